// One event stream on a thread of its own: collects what is dispatched, and lets the test wait for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/event_stream.h"
#include "tests/support/http_client.h"

namespace tailgate::test {

struct SseEvent {
  std::string type;  // "message" when its block names none
  std::string data;
  std::string id;  // the last event id when it was dispatched
};

class SseClient {
 public:
  using Events = std::vector<SseEvent>;

  // Connects at once. Without an Accept header of its own it asks as EventSource does.
  explicit SseClient(HttpRequest request);
  ~SseClient();  // cuts the connection
  SseClient(const SseClient&) = delete;
  SseClient& operator=(const SseClient&) = delete;

  // What has been dispatched so far, control events too.
  Events events() const;
  // Those without a type: records whose value is text.
  Events messages() const;
  // True as soon as it holds for the events so far.
  [[nodiscard]] bool wait_for(const std::function<bool(const Events&)>& is_enough,
                              Deadline deadline = in(kPatience)) const;
  [[nodiscard]] bool wait_for_messages(std::size_t count, Deadline deadline = in(kPatience)) const;
  // The event of that type that came first; one of type "" when none comes.
  SseEvent wait_for_event(const std::string& type, Deadline deadline = in(kPatience)) const;
  // Status and headers; status 0 when none came.
  HttpResponse head(Deadline deadline = in(kPatience)) const;
  // The server ended it, or the connection broke.
  [[nodiscard]] bool wait_for_end(Deadline deadline = in(kPatience)) const;

  // What EventSource would send when it reconnects.
  std::string last_event_id() const;
  // The bytes as they came.
  std::string body() const;
  std::uint64_t comments() const;

 private:
  void run();

  HttpRequest request_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Events events_;
  std::string body_;
  HttpResponse head_;
  std::string last_event_id_;
  ledger::EventStreamParser parser_;
  bool has_ended_ = false;
  std::atomic<bool> is_cancelled_{false};
  std::jthread thread_;
};

}  // namespace tailgate::test
