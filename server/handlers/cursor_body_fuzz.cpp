// Whatever comes as the body of a PUT: it is refused with a sentence, or within the bounds.
#include <cstdint>
#include <cstdlib>

#include "cursors/cursor_store.h"
#include "server/handlers/cursor_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = tailgate::parse_cursor_body({reinterpret_cast<const char*>(data), size});
  if (!body) {
    if (body.error().detail.empty()) std::abort();
    return 0;
  }
  std::size_t partitions = 0;
  for (const auto& [topic, parts] : body->position) {
    if (parts.empty()) std::abort();
    partitions += parts.size();
  }
  if (partitions == 0 || partitions > tailgate::kCursorPartitionsMax) std::abort();
  if (body->generation && *body->generation < 0) std::abort();
  return 0;
}
