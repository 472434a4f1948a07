#include "tests/support/sse_client.h"

#include <algorithm>

namespace tailgate::test {

SseClient::SseClient(HttpRequest request)
    : request_{std::move(request)}, parser_{[this](ledger::ServerEvent& block, bool is_dispatched) {
        last_event_id_ = block.last_event_id;
        if (!is_dispatched) return;
        events_.push_back({block.type.empty() ? "message" : block.type, std::move(block.data), last_event_id_});
      }} {
  const auto names_accept = [](const std::string& header) { return header.starts_with("Accept:"); };
  if (std::ranges::none_of(request_.headers, names_accept)) request_.headers.push_back("Accept: text/event-stream");
  thread_ = std::jthread{[this] { run(); }};
}

SseClient::~SseClient() { is_cancelled_ = true; }

void SseClient::run() {
  const StreamCallbacks callbacks{
      [this](const HttpResponse& head) {
        const std::lock_guard lock{mutex_};
        head_ = head;
        changed_.notify_all();
      },
      [this](std::string_view bytes) {
        const std::lock_guard lock{mutex_};
        body_ += bytes;
        parser_.feed(bytes);
        changed_.notify_all();
        return !is_cancelled_;
      },
      [this] { return is_cancelled_.load(); },
  };
  std::string reason;
  static_cast<void>(stream(request_, callbacks, reason));  // however it ends, it has ended
  const std::lock_guard lock{mutex_};
  has_ended_ = true;
  changed_.notify_all();
}

SseClient::Events SseClient::events() const {
  const std::lock_guard lock{mutex_};
  return events_;
}

SseClient::Events SseClient::messages() const {
  auto messages = events();
  std::erase_if(messages, [](const SseEvent& event) { return event.type != "message"; });
  return messages;
}

bool SseClient::wait_for(const std::function<bool(const Events&)>& is_enough, Deadline deadline) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_until(lock, deadline, [&] { return is_enough(events_); });
}

bool SseClient::wait_for_messages(std::size_t count, Deadline deadline) const {
  const auto is_message = [](const SseEvent& event) { return event.type == "message"; };
  return wait_for(
      [&](const Events& events) {
        return static_cast<std::size_t>(std::ranges::count_if(events, is_message)) >= count;
      },
      deadline);
}

SseEvent SseClient::wait_for_event(const std::string& type, Deadline deadline) const {
  SseEvent found;
  static_cast<void>(wait_for(
      [&](const Events& events) {
        const auto at = std::ranges::find(events, type, &SseEvent::type);
        if (at != events.end()) found = *at;
        return at != events.end();
      },
      deadline));
  return found;
}

HttpResponse SseClient::head(Deadline deadline) const {
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, deadline, [&] { return head_.status != 0 || has_ended_; });
  return head_;
}

bool SseClient::wait_for_end(Deadline deadline) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_until(lock, deadline, [&] { return has_ended_; });
}

std::string SseClient::last_event_id() const {
  const std::lock_guard lock{mutex_};
  return last_event_id_;
}

std::string SseClient::body() const {
  const std::lock_guard lock{mutex_};
  return body_;
}

std::uint64_t SseClient::comments() const {
  const std::lock_guard lock{mutex_};
  return parser_.comments();
}

}  // namespace tailgate::test
