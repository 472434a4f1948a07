// One HTTP/1.1 connection (RFC 9112): a request is read, handled and answered, then the next.
//
// Memory: about 300 bytes at rest. While a stream runs there is its answer besides (200 bytes, method, path and request
// id) and nothing of the request; input that came early is kept only as long as it is not used.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/http/access_line.h"
#include "server/http/body_clock.h"
#include "server/http/h1_body.h"
#include "server/http/h1_head.h"
#include "server/http/http_thread.h"
#include "server/http/open_exchange.h"
#include "server/http/session.h"

namespace tailgate {

class H1Session final : public Session, public OpenExchange::Owner, public Waker, private News::Waiter {
 public:
  H1Session(HttpThread& thread, SessionHost& host);
  ~H1Session() override;

  void receive(std::string_view bytes) override;
  void receive_end() override;
  bool wants_input(bool is_output_blocked) const override;
  bool fill(Gather& gather) override;
  Life life() const override { return life_; }
  std::int64_t deadline_ms() const override;
  void on_time(std::int64_t now_ms, bool is_output_blocked) override;
  void drain() override;
  void abandon(WhyEnded why) override;

  void on_reply() override { host_.wake(); }
  void wake() override { host_.wake(); }
  void on_news() override { host_.wake(); }

 private:
  enum class State : std::uint8_t {
    head,       // waiting for a request or for the rest of its head
    body,       // a request without all of its body
    handling,   // a handler has it
    answering,  // its answer is being sent
    done,       // nothing will be answered any more; input is dropped until the peer has gone
  };

  // A request that is being read.
  struct Incoming {
    explicit Incoming(std::int64_t start) : start_ms{start} {}
    std::int64_t start_ms;
    H1HeadScan scan;
    H1Head head;
    std::optional<H1Body> body;
    BodyClock body_clock;
    ByteBudget::Share held;  // of its body, once it has come in part
  };

  struct Answer {
    Answer(HttpThread& thread, const Request& request, std::int64_t start_ms) : line{thread, request, start_ms} {}
    std::unique_ptr<ByteSource> source;  // null: no body
    std::unique_ptr<ByteSource> unread;  // the stream that a HEAD would have been: dropped with the answer
    AccessLine line;                     // ends before its source does
    bool is_chunked = false;
    bool is_stream = false;
  };

  enum class Filled : std::uint8_t {
    waits,  // for the source
    full,   // the write; there may be more
    ended,  // the answer is complete
  };

  void consume(std::string_view& input);
  void consume_kept();
  void consume_head(std::string_view& input);
  void consume_body(std::string_view& input);
  void handle_request();
  void open_exchange();
  // By value: what refused goes with the request that it belongs to.
  void refuse(Refusal refusal);
  void give_refusal(Refusal refusal);
  void start_answer(Gather& gather, Response response, HttpVersion version);
  bool is_full(const Gather& gather);
  Filled fill_answer(Gather& gather);
  void end_answer(WhyEnded why);
  void keep_input(std::string_view bytes);
  void finish();

  HttpThread& thread_;
  SessionHost& host_;
  std::string input_;  // came and is not used yet
  std::unique_ptr<Incoming> incoming_;
  std::unique_ptr<OpenExchange> exchange_;
  std::unique_ptr<Answer> answer_;
  std::int64_t since_ms_;              // when the wait for input began: for a request, or for the peer to go
  std::int64_t first_by_ms_ = kNever;  // draining: when the first request must have begun
  State state_ = State::head;
  Life life_ = Life::open;
  std::size_t fill_bytes_max_ = kStreamFrameBytes;  // of the fill() that runs
  bool is_first_ = true;                            // no request has come
  bool keeps_alive_ = true;                         // after the answer at hand
  bool is_head_request_ = false;
  bool sends_continue_ = false;
  bool is_draining_ = false;
  bool has_ended_ = false;  // the peer's last byte has come
};

}  // namespace tailgate
