#include "server/http/h1_session.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

#include "server/http/status_text.h"

namespace tailgate {
namespace {

// A chunk smaller than this is not begun at the end of a write.
constexpr std::size_t kChunkBytesMin = 1024;

// In a drain: what was on its way on a new connection has then arrived.
constexpr std::int64_t kFirstRequestMs = 1'000;

constexpr Refusal kHeadTimeout{408, "request_timeout", "The head of the request did not come in time."};
constexpr Refusal kBodyTimeout{408, "request_timeout", "The body of the request came too slowly."};
constexpr Refusal kFull{503, "too_many_connections", "This server has as many connections as it takes."};
constexpr Refusal kAddressFull{429, "too_many_connections", "There are too many connections from this address."};

void copy_number(ByteSink& sink, std::uint64_t number, int base) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, base);
  sink.copy({text.data(), static_cast<std::size_t>(end.ptr - text.data())});
}

HttpEvent event_of(const Refusal& refusal) {
  const bool is_size = refusal.status == 413 || refusal.status == 414 || refusal.status == 431;
  return is_size ? HttpEvent::too_large : HttpEvent::bad_h1_framing;
}

}  // namespace

H1Session::H1Session(HttpThread& thread, SessionHost& host) : thread_{thread}, host_{host}, since_ms_{thread.now_ms()} {
  thread_.counters.open.add(OpenGauge::connections_h1);
  thread_.counters.events.add(HttpEvent::connection_h1);
}

H1Session::~H1Session() {
  abandon(WhyEnded::client_closed);
  thread_.counters.open.add(OpenGauge::connections_h1, -1);
}

void H1Session::receive(std::string_view bytes) {
  if (state_ == State::done) return;
  if (state_ == State::handling || state_ == State::answering) {
    keep_input(bytes);
    return;
  }
  if (input_.empty()) {
    consume(bytes);
    input_ = bytes;
    return;
  }
  input_.append(bytes);
  consume_kept();
}

void H1Session::consume_kept() {
  std::string kept = std::exchange(input_, {});
  std::string_view input = kept;
  consume(input);
  if (input.size() == kept.size()) {
    input_ = std::move(kept);
  } else {
    input_ = input;
  }
}

void H1Session::keep_input(std::string_view bytes) {
  input_.append(bytes);
  if (state_ != State::answering || !answer_->is_stream) return;
  if (input_.size() <= thread_.options.behind_stream_bytes_max) return;
  thread_.counters.events.add(HttpEvent::too_much_behind_stream);
  abandon(WhyEnded::cut);
  state_ = State::done;
  life_ = Life::reset;
}

void H1Session::receive_end() {
  has_ended_ = true;
  // Who has closed does not read a stream any more, nor wait for an answer that is still being made. What is complete
  // is sent to the end: the other direction may be open.
  const bool is_answered = state_ == State::answering && !answer_->is_stream;
  if (is_answered || state_ == State::done) return;
  abandon(WhyEnded::client_closed);
  finish();
}

bool H1Session::wants_input(bool /*is_output_blocked*/) const {
  if (has_ended_) return false;
  const bool is_busy = state_ == State::handling || (state_ == State::answering && !answer_->is_stream);
  return !is_busy || input_.size() <= thread_.options.behind_stream_bytes_max;
}

void H1Session::consume(std::string_view& input) {
  while (!input.empty() && (state_ == State::head || state_ == State::body)) {
    const std::size_t before = input.size();
    if (state_ == State::head) {
      consume_head(input);
    } else {
      consume_body(input);
    }
    if (input.size() == before) return;  // more has to come
  }
}

void H1Session::consume_head(std::string_view& input) {
  if (!incoming_) {
    // An empty line before a request is passed over (RFC 9112, 2.2).
    while (input.starts_with("\r\n")) input.remove_prefix(2);
    if (input.empty() || input == "\r") return;
    incoming_ = std::make_unique<Incoming>(thread_.now_ms());
  }
  switch (incoming_->scan.scan(input, thread_.options)) {
    case H1HeadScan::State::partial:
      return;
    case H1HeadScan::State::refused:
      if (const auto origin = origin_in(input); !origin.empty()) {
        incoming_->head.request.headers.push_back({"origin", std::string{origin}});
      }
      refuse(incoming_->scan.refusal());
      return;
    case H1HeadScan::State::complete:
      break;
  }
  const std::string_view head = input.substr(0, incoming_->scan.head_bytes());
  input.remove_prefix(head.size());
  if (const auto refusal = parse_h1_head(head, host_.info().scheme, incoming_->head)) {
    refuse(*refusal);
    return;
  }
  if (incoming_->head.framing == H1Head::Framing::none) {
    handle_request();
    return;
  }
  state_ = State::body;
  incoming_->body_clock = BodyClock{thread_.now_ms()};
  incoming_->held = ByteBudget::Share{thread_.bodies};
  incoming_->body.emplace(incoming_->head, thread_.options);
  sends_continue_ = incoming_->head.expects_continue && input.empty();
  consume_body(input);  // also to refuse a length before anything of it comes
}

void H1Session::consume_body(std::string_view& input) {
  const std::size_t before = input.size();
  const H1Body::State state = incoming_->body->take(input, incoming_->head.request.body);
  incoming_->body_clock.add(before - input.size(), thread_.now_ms(), thread_.options);
  switch (state) {
    case H1Body::State::partial: {
      const std::string& body = incoming_->head.request.body;
      if (!incoming_->held.resize(body.empty() ? 0 : body.capacity())) give_refusal(kNoRoom);
      return;
    }
    case H1Body::State::complete:
      handle_request();
      return;
    case H1Body::State::refused:
      refuse(incoming_->body->refusal());
      return;
  }
}

void H1Session::handle_request() {
  const auto verdict = host_.info().verdict;
  if (verdict != ConnectionLimit::Verdict::admitted) {
    const bool is_full = verdict == ConnectionLimit::Verdict::full;
    thread_.counters.events.add(is_full ? HttpEvent::refused_full : HttpEvent::refused_address_full);
    give_refusal(is_full ? kFull : kAddressFull);
    return;
  }
  keeps_alive_ = incoming_->head.keeps_alive && !is_draining_;
  open_exchange();
  thread_.observer.on_start(exchange_->request(), thread_.loop.index());
  thread_.handler.handle(*exchange_);
}

void H1Session::refuse(Refusal refusal) {
  thread_.counters.events.add(event_of(refusal));
  give_refusal(refusal);
}

// Whatever follows is never read as a request: where it starts is not known, or not to be trusted.
void H1Session::give_refusal(Refusal refusal) {
  keeps_alive_ = false;
  open_exchange();
  exchange_->respond(thread_.handler.refusal(refusal.status, refusal.code, refusal.detail, &exchange_->request()));
}

void H1Session::open_exchange() {
  Request& request = incoming_->head.request;
  request.client = client_address(host_.info().peer, request, thread_.options.clients);
  request.id = thread_.make_request_id();
  is_first_ = false;
  is_head_request_ = request.method == "HEAD";
  sends_continue_ = false;
  answer_ = std::make_unique<Answer>(thread_, request, incoming_->start_ms);
  exchange_ = std::make_unique<OpenExchange>(thread_, *this, std::move(request));
  incoming_.reset();
  state_ = State::handling;
}

// Several chunks a write where there is more and the kernel takes it: each write may wake the reader, which costs as
// much as copying 16 KiB.
bool H1Session::is_full(const Gather& gather) {
  if (gather.size() + kChunkBytesMin <= fill_bytes_max_) return false;
  if (fill_bytes_max_ == kStreamFrameBytes) fill_bytes_max_ = host_.write_bytes_max();
  return gather.size() + kChunkBytesMin > fill_bytes_max_;
}

bool H1Session::fill(Gather& gather) {
  fill_bytes_max_ = kStreamFrameBytes;
  if (std::exchange(sends_continue_, false)) gather.copy("HTTP/1.1 100 Continue\r\n\r\n");
  for (int requests = 0; requests < kRequestsATurn; ++requests) {
    if (state_ == State::head && !input_.empty()) consume_kept();
    if (state_ == State::head && has_ended_) finish();
    if (state_ == State::handling && exchange_->has_reply()) {
      start_answer(gather, exchange_->take_reply(), exchange_->request().version);
      exchange_.reset();
    }
    if (state_ != State::answering) return false;
    if (const Filled filled = fill_answer(gather); filled != Filled::ended) return filled == Filled::full;
    if (state_ != State::head) return false;
    if (is_full(gather)) return true;
  }
  host_.wake();  // others have their turn before the next request of this one
  return false;
}

void H1Session::start_answer(Gather& gather, Response response, HttpVersion version) {
  const int status = response.status;
  const bool has_no_body = status < 200 || status == 204 || status == 304;
  const bool is_http10 = version == HttpVersion::http10;
  answer_->line.set_answer(status, std::move(response.problem));
  answer_->line.set_note(std::move(response.note));
  answer_->is_stream = response.stream != nullptr && !is_head_request_;
  answer_->is_chunked = response.stream != nullptr && !is_http10 && !has_no_body;
  if (is_draining_) keeps_alive_ = false;

  gather.copy("HTTP/1.1 ");
  copy_number(gather, static_cast<std::uint64_t>(status), 10);
  gather.copy(" ");
  gather.copy(status_text(status));
  gather.copy("\r\n");
  gather.copy(thread_.date_line());
  for (const ResponseField& field : response.headers) {
    // Nothing that a client has written may start a field of its own.
    if (!field.value.is_constant() && !is_field_value(field.value.text())) continue;
    gather.copy({field.name, ": ", field.value.text(), "\r\n"});
  }
  if (answer_->is_chunked) {
    gather.copy("Transfer-Encoding: chunked\r\n");
  } else if (response.stream == nullptr && !has_no_body) {
    gather.copy("Content-Length: ");
    copy_number(gather, response.body.size(), 10);
    gather.copy("\r\n");
  }
  if (!keeps_alive_) gather.copy("Connection: close\r\n");
  gather.copy("\r\n");

  state_ = State::answering;
  if (is_head_request_ || has_no_body) {
    answer_->is_chunked = false;
    answer_->unread = std::move(response.stream);
    return;
  }
  if (response.stream != nullptr) {
    answer_->source = std::move(response.stream);
    answer_->source->set_waker(*this);
    thread_.counters.open.add(OpenGauge::streams);
    thread_.load.add(1);
  } else if (!response.body.empty()) {
    answer_->source = std::make_unique<StringSource>(std::move(response));
  }
}

H1Session::Filled H1Session::fill_answer(Gather& gather) {
  ByteSource* const source = answer_->source.get();
  while (source != nullptr) {
    if (is_full(gather)) return Filled::full;
    const Pull pull = source->prepare(std::min(kStreamFrameBytes, fill_bytes_max_ - gather.size()));
    if (pull.state == Pull::State::wait_for_news) source->news()->add(*this);
    if (pull.waits()) return Filled::waits;
    if (pull.state == Pull::State::end) break;
    if (pull.state == Pull::State::cut) {
      // Without its last chunk the body is seen to be incomplete; where only the end of the connection ends it, a reset
      // has to say so.
      life_ = answer_->is_chunked ? Life::finish : Life::reset;
      end_answer(WhyEnded::cut);
      state_ = State::done;
      return Filled::ended;
    }
    if (answer_->is_chunked) {
      copy_number(gather, pull.bytes, 16);
      gather.copy("\r\n");
    }
    source->emit(pull.bytes, gather);
    answer_->line.add_bytes(pull.bytes);
    if (answer_->is_chunked) gather.copy("\r\n");
  }
  if (answer_->is_chunked) gather.copy("0\r\n\r\n");
  end_answer(WhyEnded::complete);
  state_ = State::head;
  since_ms_ = thread_.now_ms();
  if (!keeps_alive_ || is_draining_ || (has_ended_ && input_.empty())) finish();
  return Filled::ended;
}

void H1Session::end_answer(WhyEnded why) {
  answer_->line.end(why);
  if (answer_->is_stream && answer_->source) {
    thread_.counters.open.add(OpenGauge::streams, -1);
    thread_.load.add(-1);
  }
  News::Waiter::unlink();
  // What was emitted may still lie in the gather.
  if (answer_->source) thread_.spent.push_back(std::move(answer_->source));
  answer_.reset();
}

void H1Session::finish() {
  state_ = State::done;
  life_ = Life::finish;
  input_ = {};
  incoming_.reset();
}

std::int64_t H1Session::deadline_ms() const {
  const HttpOptions& options = thread_.options;
  if (state_ == State::head) {
    if (incoming_) return incoming_->start_ms + options.header_block_ms;
    return is_first_ ? std::min(since_ms_ + options.first_byte_ms, first_by_ms_) : since_ms_ + options.idle_h1_ms;
  }
  if (state_ == State::body) return incoming_->body_clock.deadline_ms(options);
  return kNever;
}

void H1Session::on_time(std::int64_t now_ms, bool /*is_output_blocked*/) {
  if (now_ms < deadline_ms()) return;
  if (state_ == State::body) {
    thread_.counters.events.add(HttpEvent::timeout_body);
    give_refusal(kBodyTimeout);
  } else if (incoming_) {
    thread_.counters.events.add(HttpEvent::timeout_head);
    give_refusal(kHeadTimeout);
  } else {
    thread_.counters.events.add(is_first_ ? HttpEvent::timeout_first_byte : HttpEvent::timeout_idle);
    finish();
  }
}

void H1Session::drain() {
  is_draining_ = true;
  if (state_ != State::head || incoming_) return;
  // A peer that knows HTTP/1.1 sends a request again that a connection in use was closed upon (RFC 9112, 9.3.1); the
  // first one on a new connection it takes for refused.
  if (is_first_) {
    first_by_ms_ = thread_.now_ms() + kFirstRequestMs;
  } else {
    finish();
  }
}

void H1Session::abandon(WhyEnded why) {
  exchange_.reset();
  if (answer_) end_answer(why);
}

}  // namespace tailgate
