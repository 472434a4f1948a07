// For tests: a handler that answers what a test needs, without any Kafka, and an observer that remembers.
//
//   /hello             200 `hello`
//   /echo              200 with the request's body
//   /fields            200 with the request as it was understood, a line each
//   /body?N            200 with a body of N bytes of the pattern
//   /bytes?N           a stream of N bytes of the pattern, always ready, then its end
//   /endless           the same without an end
//   /cut?N             N bytes of the pattern, then it cannot go on
//   /search?N          `found` when its source is asked for the Nth time; until then it wakes itself each time
//   /news              what its board is given from then on, which tells all who wait
//   /events            what publish() is given from then on
//   /later             answered by answer_later()
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/exchange.h"
#include "server/http/observer.h"

namespace tailgate::testing {

// Byte i of every generated body.
inline char pattern_at(std::uint64_t i) { return static_cast<char>('a' + i % 23); }

inline std::string pattern(std::uint64_t bytes, std::uint64_t from = 0) {
  std::string text(bytes, '\0');
  for (std::uint64_t i = 0; i < bytes; ++i) text[i] = pattern_at(from + i);
  return text;
}

class PatternSource final : public ByteSource {
 public:
  PatternSource(std::uint64_t bytes, bool is_cut, std::atomic<std::uint64_t>& emitted)
      : left_{bytes}, is_cut_{is_cut}, emitted_{emitted} {}
  Pull prepare(std::size_t bytes_max) override {
    if (left_ == 0) return {is_cut_ ? Pull::State::cut : Pull::State::end, 0};
    return {Pull::State::ready, std::min<std::uint64_t>(left_, bytes_max)};
  }
  void emit(std::size_t bytes, ByteSink& sink) override {
    static const std::string text = pattern(23 * 1024);
    std::size_t left = bytes;
    while (left > 0) {
      const std::size_t at = sent_ % 23;
      const std::size_t piece = std::min(left, text.size() - at);
      sink.ref(std::string_view{text}.substr(at, piece));
      left -= piece;
      sent_ += piece;
    }
    left_ -= bytes;
    emitted_ += bytes;
  }
  void set_waker(Waker&) override {}

 private:
  std::uint64_t left_;
  std::uint64_t sent_ = 0;
  bool is_cut_;
  std::atomic<std::uint64_t>& emitted_;
};

class SearchSource final : public ByteSource {
 public:
  // Has found it in its turn `turns`, in the hundredth at the latest.
  explicit SearchSource(std::uint64_t turns) : turns_{std::clamp<std::uint64_t>(turns, 1, 100)} {}
  Pull prepare(std::size_t) override {
    if (is_sent_) return {Pull::State::end, 0};
    if (--turns_ == 0) return {Pull::State::ready, kFound.size()};
    waker_->wake();
    return {Pull::State::wait, 0};
  }
  void emit(std::size_t, ByteSink& sink) override {
    sink.copy(kFound);
    is_sent_ = true;
  }
  void set_waker(Waker& waker) override { waker_ = &waker; }

 private:
  static constexpr std::string_view kFound = "found";
  std::uint64_t turns_;
  Waker* waker_ = nullptr;
  bool is_sent_ = false;
};

// What all clients of /news on one io thread read.
struct Board {
  void tell(std::string_view more) {
    text += more;
    news.tell();
  }
  std::string text;
  News news;
  int open = 0;  // clients
};

class NewsSource final : public ByteSource {
 public:
  explicit NewsSource(Board& board) : board_{board}, read_{board.text.size()} { ++board_.open; }
  ~NewsSource() override { --board_.open; }
  Pull prepare(std::size_t bytes_max) override {
    const std::size_t bytes = std::min(bytes_max, board_.text.size() - read_);
    return {bytes == 0 ? Pull::State::wait_for_news : Pull::State::ready, bytes};
  }
  void emit(std::size_t bytes, ByteSink& sink) override {
    sink.copy(std::string_view{board_.text}.substr(read_, bytes));
    read_ += bytes;
  }
  void set_waker(Waker&) override {}
  News* news() override { return &board_.news; }

 private:
  Board& board_;
  std::size_t read_;
};

class TestHandler;

// One client of /events.
class EventsSource final : public ByteSource {
 public:
  EventsSource(TestHandler& handler, std::size_t loop_index);
  ~EventsSource() override;
  Pull prepare(std::size_t bytes_max) override {
    if (!pending_.empty()) return {Pull::State::ready, std::min(bytes_max, pending_.size())};
    return {is_over_ ? Pull::State::end : Pull::State::wait, 0};
  }
  void emit(std::size_t bytes, ByteSink& sink) override {
    sink.copy(std::string_view{pending_}.substr(0, bytes));
    pending_.erase(0, bytes);
  }
  void set_waker(Waker& waker) override { waker_ = &waker; }
  void publish(std::string_view text) {
    pending_ += text;
    waker_->wake();
  }
  void end() {
    is_over_ = true;
    waker_->wake();
  }

 private:
  TestHandler& handler_;
  std::size_t loop_index_;
  std::string pending_;
  Waker* waker_ = nullptr;
  bool is_over_ = false;
};

class TestHandler final : public Handler {
 public:
  void handle(Exchange& exchange) override {
    const Request& request = exchange.request();
    const std::size_t loop = exchange.loop().index();
    ++handled;
    std::uint64_t number = 0;
    std::from_chars(request.query.data(), request.query.data() + request.query.size(), number);
    Response response;
    response.headers.push_back({"Content-Type", "text/plain"});
    if (request.path == "/hello") {
      response.body = "hello";
    } else if (request.path == "/echo") {
      response.body = request.body;
    } else if (request.path == "/fields") {
      response.body = describe(request);
    } else if (request.path == "/body") {
      response.body = pattern(number);
    } else if (request.path == "/bytes" || request.path == "/endless" || request.path == "/cut") {
      const std::uint64_t bytes = request.path == "/endless" ? ~std::uint64_t{0} : number;
      response.stream = std::make_unique<PatternSource>(bytes, request.path == "/cut", emitted);
    } else if (request.path == "/news") {
      response.stream = std::make_unique<NewsSource>(boards[loop]);
    } else if (request.path == "/search") {
      response.stream = std::make_unique<SearchSource>(number);
    } else if (request.path == "/events") {
      response.stream = std::make_unique<EventsSource>(*this, loop);
    } else if (request.path == "/later") {
      exchange.keep(std::make_unique<Later>(*this, exchange));
      return;
    } else if (request.path == "/nothing") {
      response.status = 204;
    } else if (request.path == "/split") {
      response.headers.push_back({"X-Bad", "a\r\nX-Injected: yes"});
    } else {
      response.status = request.path == "*" ? 200 : 404;
    }
    exchange.respond(std::move(response));
  }

  Response refusal(int status, std::string_view code, std::string_view, const Request*) override {
    Response response;
    response.status = status;
    response.body = std::string{code};
    response.problem = response.body;
    return response;
  }

  // On the loop's thread.
  std::array<std::vector<EventsSource*>, 8> events;
  std::array<Board, 8> boards;
  std::vector<Exchange*> later;
  // Any thread.
  std::atomic<int> handled{0};
  std::atomic<int> open_events{0};
  std::atomic<int> open_later{0};
  std::atomic<std::uint64_t> emitted{0};

 private:
  class Later final : public Watch {
   public:
    Later(TestHandler& handler, Exchange& exchange) : handler_{handler}, exchange_{exchange} {
      handler_.later.push_back(&exchange_);
      ++handler_.open_later;
    }
    ~Later() override {
      std::erase(handler_.later, &exchange_);
      --handler_.open_later;
    }

   private:
    TestHandler& handler_;
    Exchange& exchange_;
  };

  static std::string describe(const Request& request) {
    std::string text = request.method + ' ' + request.scheme + ' ' + request.authority + ' ' + request.path + ' ' +
                       request.query + '\n';
    for (const HeaderField& field : request.headers) text += field.name + '=' + field.value + '\n';
    return text;
  }
};

inline EventsSource::EventsSource(TestHandler& handler, std::size_t loop_index)
    : handler_{handler}, loop_index_{loop_index} {
  handler_.events[loop_index_].push_back(this);
  ++handler_.open_events;
}

inline EventsSource::~EventsSource() {
  std::erase(handler_.events[loop_index_], this);
  --handler_.open_events;
}

class TestObserver final : public ExchangeObserver {
 public:
  struct Line {
    std::string method, path, trace_id;
    int status;
    std::uint64_t body_bytes;
    WhyEnded why;
  };
  void on_start(const Request&, std::size_t) override { ++started; }
  void on_end(const ExchangeSummary& summary, std::size_t) override {
    const std::lock_guard lock{mutex_};
    lines_.push_back({std::string{summary.method}, std::string{summary.path}, std::string{summary.trace_id},
                      summary.status, summary.body_bytes, summary.why});
  }
  std::vector<Line> lines() const {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  std::atomic<int> started{0};

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace tailgate::testing
