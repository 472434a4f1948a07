#include "streams/control_event.h"

#include <cassert>
#include <string_view>

namespace tailgate {

namespace {

std::string partition_members(const Delivery& delivery) {
  return R"("topic":")" + std::string{delivery.topic} + R"(","partition":)" + std::to_string(delivery.partition);
}

std::string_view fault_detail(std::string_view code) {
  if (code == "topic_gone") return "A topic of this stream was deleted.";
  if (code == "id_too_long")
    return "The topic has grown to more partitions than an id can name: stream its partitions one by one.";
  if (code == "beyond_end") return "The id lies beyond the end of the log, and on_reset=stop was asked for.";
  return "The stream cannot go on.";
}

}  // namespace

ControlEvent control_event(const Delivery& delivery) {
  switch (delivery.kind) {
    case Delivery::Kind::record:
    case Delivery::Kind::leave:  // the representations say it each in its own way
      assert(false);
      return {};
    case Delivery::Kind::gap:
      return {"gap", "{" + partition_members(delivery) + R"(,"from":)" + std::to_string(delivery.from) + R"(,"to":)" +
                         std::to_string(delivery.to) + R"(,"reason":"retention"})"};
    case Delivery::Kind::reset:
      return {"reset", "{" + partition_members(delivery) + R"(,"asked":)" + std::to_string(delivery.from) +
                           R"(,"from":)" + std::to_string(delivery.to) + R"(,"reason":"beyond_end"})"};
    case Delivery::Kind::fault:
      return {"fault", R"({"code":")" + std::string{delivery.code} + R"(","detail":")" +
                           std::string{fault_detail(delivery.code)} + R"(","retry":false})"};
  }
  return {};
}

}  // namespace tailgate
