#include "server/handlers/cursor_body.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "cursors/cursor_store.h"
#include "cursors/id.h"
#include "streams/exposure.h"

namespace tailgate {
namespace {

constexpr const char* kForm = R"(the body must be a JSON object such as {"position":{"topic":"0:42,1:17"}})";
constexpr const char* kGeneration = "generation must be a whole number from 0 on";
constexpr const char* kPosition = R"(position must be a JSON object such as {"topic":"0:42,1:17"})";

// Takes what may come, where it may come; everything else ends the parse. Nothing is kept of what is refused.
class BodyReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, BodyReader> {
 public:
  explicit BodyReader(CursorBody& body) : body_{body} {}
  std::string wrong = kForm;

  // What does not belong where it stands.
  bool Default() {
    if (place_ == Place::position) return refuse(kPosition);
    if (place_ == Place::generation) return refuse(kGeneration);
    if (place_ == Place::id) return refuse_id(R"( must be a text such as "0:42,1:17")");
    return false;
  }
  bool StartObject() {
    if (place_ == Place::start) return go(Place::members);
    return place_ == Place::position ? go(Place::topics) : Default();
  }
  bool EndObject(rapidjson::SizeType) { return go(place_ == Place::topics ? Place::members : Place::end); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view key{text, size};
    if (place_ == Place::topics) {
      if (!is_topic_name(key)) return refuse("position names what no topic can be called");
      topic_ = key;
      return body_.position.contains(topic_) ? refuse("position names a topic twice") : go(Place::id);
    }
    if (key == "position")
      return std::exchange(has_position_, true) ? refuse("position is given twice") : go(Place::position);
    if (key == "generation") return body_.generation ? refuse("generation is given twice") : go(Place::generation);
    return refuse("the body has a member that is not known; there are position and generation");
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (place_ != Place::id) return Default();
    const std::array<std::string, 1> topics{topic_};
    auto id = parse_id({text, size}, {topics, std::nullopt});
    if (!id) return refuse_id(": " + id.error().detail);
    TopicPosition& parts = id->position[topic_];
    if (parts.empty()) return refuse_id(" names no partition");
    partitions_ += parts.size();
    if (partitions_ > kCursorPartitionsMax) return refuse("position names more than 256 partitions");
    body_.position.emplace(topic_, std::move(parts));
    return go(Place::topics);
  }
  bool Uint(unsigned value) { return Uint64(value); }
  bool Uint64(std::uint64_t value) {
    if (place_ != Place::generation || value > std::numeric_limits<std::int64_t>::max()) return Default();
    body_.generation = static_cast<std::int64_t>(value);
    return go(Place::members);
  }

 private:
  enum class Place : std::uint8_t { start, members, position, topics, id, generation, end };
  bool go(Place place) {
    place_ = place;
    return true;
  }
  bool refuse(std::string why) {
    wrong = std::move(why);
    return false;
  }
  // A topic's name is no raw input any more.
  bool refuse_id(const std::string& why) { return refuse("position." + topic_ + why); }

  CursorBody& body_;
  Place place_ = Place::start;
  std::string topic_;
  bool has_position_ = false;
  std::size_t partitions_ = 0;
};

}  // namespace

Result<CursorBody> parse_cursor_body(std::string_view json) {
  CursorBody body;
  BodyReader taker{body};
  rapidjson::MemoryStream stream{json.data(), json.size()};
  rapidjson::Reader reader;
  constexpr unsigned kFlags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;
  // RapidJSON takes a NUL for the end of what it reads.
  const bool is_whole = !reader.Parse<kFlags>(stream, taker).IsError() && stream.Tell() == json.size();
  if (!is_whole) return Error{ErrorCode::bad_request, taker.wrong};
  if (body.position.empty()) return Error{ErrorCode::bad_request, "position must name a topic"};
  return body;
}

}  // namespace tailgate
