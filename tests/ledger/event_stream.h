// The parser of text/event-stream as the HTML standard words it (section 9.2.6), to be fed with any pieces of the body.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tailgate::ledger {

struct ServerEvent {
  std::string type;           // "" is "message"
  std::string data;           // its lines joined by LF
  std::string last_event_id;  // of the stream, after this event
  bool id_was_last = false;   // the block's last field was its id
};

class EventStreamParser {
 public:
  // `on_block` runs at every empty line that follows a field, whether the event is dispatched (it has data) or not.
  explicit EventStreamParser(std::function<void(ServerEvent& block, bool is_dispatched)> on_block);

  void feed(std::string_view bytes);

  // What a parser holds that takes the id when its line is parsed; equal to the last dispatched one but inside of a
  // block.
  const std::string& id_of_last_line() const { return id_; }
  // The stream stands between the end of an id line and whatever follows it in the block.
  bool is_behind_id_line() const { return is_id_last_ && in_block_ && line_.empty(); }
  bool is_inside_block() const { return in_block_ || !line_.empty(); }
  // Milliseconds of the last `retry`; -1 without one.
  std::int64_t retry_ms() const { return retry_ms_; }
  std::uint64_t comments() const { return comments_; }

 private:
  void end_line();
  void end_block();

  std::function<void(ServerEvent&, bool)> on_block_;
  std::string line_;
  bool is_start_ = true;
  bool was_cr_ = false;
  bool in_block_ = false;
  bool has_data_ = false;
  bool is_id_last_ = false;
  std::string type_;
  std::string data_;
  std::string id_;
  std::int64_t retry_ms_ = -1;
  std::uint64_t comments_ = 0;
};

}  // namespace tailgate::ledger
