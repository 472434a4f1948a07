// A client as the world has them: it parses what it gets, and keeps the last id.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cursors/position.h"
#include "tests/ledger/event_stream.h"

namespace tailgate::simulation {

// What a client sees, of whatever representation.
struct Block {
  std::string event;  // "": a record of type message; NDJSON records are "record"
  std::string data;   // SSE: data. NDJSON: the line without its id
  std::string id;
  bool is_id_last = false;  // SSE
};

enum class ClientKind : std::uint8_t {
  event_source,  // takes the id when an event is dispatched
  id_line,       // takes the id when its line is parsed
  ndjson,
  long_poll,  // has an answer whole or not at all, and asks again from where the last one ended
};

class Client {
 public:
  Client(ClientKind kind, std::function<void(const Block&)> on_block) : kind_{kind}, on_block_{std::move(on_block)} {}

  ClientKind kind() const { return kind_; }
  // `from` is where the response starts.
  void connected(const Position& from);
  void receive(std::string_view bytes);
  // Between the end of an id line and the empty line: where a client that takes ids by line must not be cut.
  bool is_behind_id_line() const { return parser_ && parser_->is_behind_id_line(); }
  bool is_stream() const { return kind_ != ClientKind::long_poll; }
  bool is_inside_block() const { return parser_ ? parser_->is_inside_block() : !line_.empty(); }
  // What it sends as Last-Event-ID; empty: nothing yet.
  const std::string& id() const { return id_; }
  std::uint64_t comments() const { return parser_ ? parser_->comments() : 0; }

 private:
  void on_line(std::string_view line);
  void on_answer(std::string_view answer);
  void on_answer_event(std::string_view event, const std::string& next);

  ClientKind kind_;
  std::function<void(const Block&)> on_block_;
  std::unique_ptr<ledger::EventStreamParser> parser_;
  std::string line_;  // ndjson, long_poll
  Position at_;       // long_poll: behind what was seen of the answer
  std::string id_;
};

}  // namespace tailgate::simulation
