// What is kept of a request while its answer runs, and tells the observer once when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

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
    status_ = status;
    problem_ = std::move(problem);
  }
  void set_note(std::function<AccessNote()> note) { note_ = std::move(note); }
  void add_bytes(std::size_t bytes) { body_bytes_ += bytes; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  // The first call counts. While the body's source still lives.
  void end(WhyEnded why);

 private:
  HttpThread& thread_;
  IpAddress client_;
  std::string method_;
  std::string path_;
  std::string request_id_;
  std::string trace_id_;
  std::string problem_;
  std::function<AccessNote()> note_;
  std::int64_t start_ms_;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  HttpVersion version_;
  bool has_ended_ = false;
};

}  // namespace tailgate
