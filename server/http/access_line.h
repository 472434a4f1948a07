// What is kept of a request while its answer runs, and tells the observer once when it ends.
//
// Memory: 104 bytes and the texts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/http/http_thread.h"
#include "server/http/observer.h"

namespace tailgate {

class AccessLine {
 public:
  // on_start is the caller's: a refused request has none.
  AccessLine(HttpThread& thread, const Request& request, std::int64_t start_ms);
  AccessLine(AccessLine&&) = delete;
  // Says `client_closed` when nothing else was said.
  ~AccessLine() { end(WhyEnded::client_closed); }

  void set_answer(int status, std::string problem) {
    status_ = static_cast<std::uint16_t>(status);
    if (!problem.empty()) problem_ = std::make_unique<const std::string>(std::move(problem));
  }
  void set_note(std::function<AccessNote()> note) { note_ = std::move(note); }
  void add_bytes(std::size_t bytes) { body_bytes_ += bytes; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  // The first call counts. While the body's source still lives.
  void end(WhyEnded why);

 private:
  HttpThread& thread_;
  std::unique_ptr<char[]> texts_;  // method, path, request id and trace id, one behind the other
  std::uint32_t method_bytes_;
  std::uint32_t path_bytes_;
  std::uint8_t request_id_bytes_;
  std::uint8_t trace_id_bytes_;
  std::uint16_t status_ = 0;
  IpAddress client_;
  HttpVersion version_;
  bool has_ended_ = false;
  std::unique_ptr<const std::string> problem_;  // of an error
  std::function<AccessNote()> note_;
  std::int64_t start_ms_;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace tailgate
