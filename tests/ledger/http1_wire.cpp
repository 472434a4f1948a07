#include <algorithm>
#include <charconv>
#include <utility>

#include "tests/ledger/wire.h"

namespace tailgate::ledger {

namespace {

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

class Http1Wire final : public Wire {
 public:
  void request(const WireRequest& request) override {
    output_ +=
        "GET " + request.target + " HTTP/1.1\r\nHost: " + request.authority + "\r\nAccept: " + request.accept + "\r\n";
    if (!request.accept_encoding.empty()) output_ += "Accept-Encoding: " + request.accept_encoding + "\r\n";
    if (!request.last_event_id.empty()) output_ += "Last-Event-ID: " + request.last_event_id + "\r\n";
    output_ += "\r\n";
    state_ = State::status;
    fields_.clear();
    line_.clear();
  }

  bool feed(std::string_view bytes, WireEvents& events) override {
    while (!bytes.empty()) {
      if (state_ == State::done) return false;
      if (state_ == State::chunk || state_ == State::length) {
        const auto n = std::min<std::uint64_t>(left_, bytes.size());
        events.on_body(bytes.substr(0, n));
        bytes.remove_prefix(n);
        left_ -= n;
        if (left_ > 0) continue;
        if (state_ == State::chunk)
          state_ = State::chunk_end;
        else
          end(events);
        continue;
      }
      const auto end = bytes.find('\n');
      line_.append(bytes.substr(0, end));
      if (end == std::string_view::npos) return true;
      bytes.remove_prefix(end + 1);
      if (!line_.ends_with('\r')) return false;
      line_.pop_back();
      if (!on_line(events)) return false;
      line_.clear();
    }
    return true;
  }

  std::string take_output() override { return std::exchange(output_, {}); }
  bool is_reusable() const override { return state_ == State::done && may_reuse_; }

 private:
  enum class State : std::uint8_t { status, fields, chunk_size, chunk, chunk_end, trailers, length, done };

  bool on_line(WireEvents& events) {
    switch (state_) {
      case State::status:
        if (!line_.starts_with("HTTP/1.1 ") || line_.size() < 12) return false;
        std::from_chars(line_.data() + 9, line_.data() + 12, status_);
        state_ = State::fields;
        return true;
      case State::fields: {
        if (line_.empty()) return on_head(events);
        const auto colon = line_.find(':');
        if (colon == std::string::npos) return false;
        auto value = std::string_view{line_}.substr(colon + 1);
        while (value.starts_with(' ')) value.remove_prefix(1);
        fields_[lower(std::string_view{line_}.substr(0, colon))] = value;
        return true;
      }
      case State::chunk_size: {
        const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
        if (error != std::errc{} || end != line_.data() + line_.size()) return false;
        state_ = left_ == 0 ? State::trailers : State::chunk;
        return true;
      }
      case State::chunk_end:
        state_ = State::chunk_size;
        return line_.empty();
      case State::trailers:
        if (line_.empty()) end(events);
        return true;
      default:
        return false;
    }
  }

  bool on_head(WireEvents& events) {
    may_reuse_ = lower(fields_["connection"]) != "close";
    events.on_head(status_, fields_);
    if (fields_["transfer-encoding"] == "chunked") {
      state_ = State::chunk_size;
      return true;
    }
    const auto& length = fields_["content-length"];
    const auto [end_of, error] = std::from_chars(length.data(), length.data() + length.size(), left_);
    if (error != std::errc{}) return status_ == 204 ? (end(events), true) : false;
    state_ = State::length;
    if (left_ == 0) end(events);
    return true;
  }

  void end(WireEvents& events) {
    state_ = State::done;
    events.on_end();
  }

  State state_ = State::done;
  std::string output_;
  std::string line_;
  std::map<std::string, std::string> fields_;
  int status_ = 0;
  std::uint64_t left_ = 0;
  bool may_reuse_ = true;
};

}  // namespace

std::unique_ptr<Wire> make_http1_wire() { return std::make_unique<Http1Wire>(); }

}  // namespace tailgate::ledger
