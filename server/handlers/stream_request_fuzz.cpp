// Everything that a client may write into a request for a stream: path, query, from and ids, Accept, Prefer,
// Last-Event-ID.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/percent.h"
#include "server/handlers/stream_request.h"
#include "server/handlers/timestamp.h"

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

std::string take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string line{rest.substr(0, end)};
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace

// One part a line: path behind /streams/, query, Accept, Prefer, Last-Event-ID.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  Request request;
  request.path = "/streams/" + take_line(rest);
  request.query = take_line(rest);
  request.headers = {{"accept", take_line(rest)}, {"prefer", take_line(rest)}};
  if (!rest.empty()) request.headers.push_back({"last-event-id", std::string{rest}});

  const auto stream = parse_stream_request(request, 1'790'000'000'000);
  if (!stream) {
    require(!stream.error().detail.empty() && stream.error().detail.size() < 400);
    return 0;
  }
  require(!stream->topics.empty() && stream->topics.size() <= kStreamTopicsMax);
  for (const std::string& topic : stream->topics) require(!topic.empty() && topic.size() < 250);
  for (const auto& [topic, parts] : stream->position) require(!parts.empty());
  require(!stream->limit || *stream->limit > 0);
  require(stream->wait_s >= 0 && stream->wait_s <= kPollWaitMaxS);
  require(stream->bytes_max > 0 && stream->bytes_max <= kPollBytesMax);
  if (const auto* time = std::get_if<FromTime>(&stream->from)) require(time->wall_ms >= 0);
  // What goes on from here is a good request again.
  const auto pairs = std::count(request.query.begin(), request.query.end(), '&') + 1;
  if (stream->position.size() == stream->topics.size() && pairs < 64) {
    request.query = next_query(request, format_id(stream->position, IdForm::topics));
    request.headers.resize(2);
    const auto next = parse_stream_request(request, 1'790'000'000'000);
    require(next && next->position == stream->position && next->keys == stream->keys);
  }
  return 0;
}
