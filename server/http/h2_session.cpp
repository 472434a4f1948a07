#include "server/http/h2_session.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/out_of_memory.h"

namespace tailgate {
namespace {

using OptionHandle = CHandle<nghttp2_option, nghttp2_option_del>;

// How often windows and bodies are looked at, while a stream is held up or a request is unfinished.
constexpr std::int64_t kCheckMs = 1'000;
// Between the two GOAWAYs of a drain: what was on its way has then arrived (RFC 9113, 6.8).
constexpr std::int64_t kGoawayGapMs = 1'000;

constexpr Refusal kBodyTimeout{408, "request_timeout", "The body of the request came too slowly."};
constexpr Refusal kFull{503, "too_many_connections", "This server has as many connections as it takes."};
constexpr Refusal kAddressFull{429, "too_many_connections", "There are too many connections from this address."};

std::string_view view_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  // libnghttp2 copies both before the call that gets them returns.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

H2Session& session_of(void* user_data) { return *static_cast<H2Session*>(user_data); }

H2Stream* stream_of(nghttp2_session* handle, std::int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(handle, id));
}

// 100 (Continue), before the answer.
bool is_interim(const nghttp2_headers& head) { return head.nvlen > 0 && head.nva[0].value[0] == '1'; }

OptionHandle make_options() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) end_out_of_memory();
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_option_set_max_outbound_ack(option, 200);
  nghttp2_option_set_max_continuations(option, 4);
  nghttp2_option_set_stream_reset_rate_limit(option, 100, 20);
  return OptionHandle{option};
}

}  // namespace

// What libnghttp2 calls back, from within mem_recv and mem_send.
struct H2Session::Callbacks {
  static const nghttp2_session_callbacks* all() {
    static const auto callbacks = make();
    return callbacks.get();
  }

  static CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del> make() {
    nghttp2_session_callbacks* raw = nullptr;
    if (nghttp2_session_callbacks_new(&raw) != 0) end_out_of_memory();
    nghttp2_session_callbacks_set_on_begin_headers_callback(raw, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(raw, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(raw, on_invalid_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(raw, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(raw, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(raw, on_invalid_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(raw, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(raw, on_frame_send);
    return CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del>{raw};
  }

  static int on_begin_headers(nghttp2_session* handle, const nghttp2_frame* frame, void* user_data) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    H2Session& self = session_of(user_data);
    const std::int32_t id = frame->hd.stream_id;
    auto stream = std::make_unique<H2Stream>(self, id, H2Window{self.bodies_.first_window()}, self.thread_.now_ms());
    nghttp2_session_set_stream_user_data(handle, id, stream.get());
    self.streams_.push_back(*stream.release());
    ++self.streams_begun_;
    ++self.unfinished_requests_;
    return 0;
  }

  static int on_header(nghttp2_session* handle, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user_data) {
    H2Stream* stream = stream_of(handle, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    H2Session& self = session_of(user_data);
    if (stream->incoming) {
      stream->incoming->add_field(view_of(name, name_size), view_of(value, value_size), self.thread_.options);
      if (!stream->incoming->is_far_too_large(self.thread_.options)) return 0;
    } else if (++stream->fields_passed_over <= self.thread_.options.fields_max) {
      return 0;
    }
    // A byte of a header block can stand for kilobytes: after this the rest is decoded for the sake of the
    // connection's table and not looked at, which costs a tenth.
    self.thread_.counters.events.add(HttpEvent::too_large);
    self.reset_stream(*stream, NGHTTP2_ENHANCE_YOUR_CALM, WhyEnded::cut);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // Without this an invalid field would be dropped in silence, and the rest of the request taken for what was meant.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                               const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
    H2Session& self = session_of(user_data);
    const bool is_head = header->type == NGHTTP2_HEADERS;
    if (is_head || header->type != NGHTTP2_CONTINUATION) self.head_since_ms_ = is_head ? self.thread_.now_ms() : 0;
    return 0;
  }

  static int on_frame_recv(nghttp2_session* handle, const nghttp2_frame* frame, void* user_data) {
    H2Session& self = session_of(user_data);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        if (frame->hd.type == NGHTTP2_HEADERS) self.head_since_ms_ = 0;
        H2Stream* stream = stream_of(handle, frame->hd.stream_id);
        if (stream == nullptr || !stream->incoming) break;
        H2Incoming& incoming = *stream->incoming;
        if (!incoming.has_fields) {
          incoming.check(self.host_.info().scheme);
          incoming.body_clock = BodyClock{self.thread_.now_ms()};
          const bool has_body = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
          if (has_body && !incoming.refusal && incoming.expects_continue()) self.submit_continue(frame->hd.stream_id);
        }
        incoming.is_complete = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (incoming.is_complete || incoming.refusal) self.add_work(*stream);
        break;
      }
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
          self.has_settings_ack_ = true;
        } else {
          self.take_settings();
        }
        break;
      default:
        break;
    }
    return 0;
  }

  static void note_reset(H2Session& self, std::int32_t id) {
    self.reset_ids_[self.resets_ % self.reset_ids_.size()] = id;
    ++self.resets_;
  }

  static int on_invalid_frame_recv(nghttp2_session*, const nghttp2_frame* frame, int, void* user_data) {
    H2Session& self = session_of(user_data);
    note_reset(self, frame->hd.stream_id);  // its RST_STREAM waits to be sent
    self.head_since_ms_ = 0;
    self.thread_.counters.events.add(HttpEvent::bad_h2_stream);
    return 0;
  }

  static int on_data_chunk_recv(nghttp2_session* handle, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                                std::size_t size, void* user_data) {
    H2Stream* stream = stream_of(handle, id);
    if (stream == nullptr || !stream->incoming) return 0;
    H2Session& self = session_of(user_data);
    stream->incoming->add_body(view_of(data, size), (flags & NGHTTP2_FLAG_END_STREAM) != 0, self.thread_);
    if (stream->incoming->refusal) self.add_work(*stream);
    return 0;
  }

  static int on_stream_close(nghttp2_session* handle, std::int32_t id, std::uint32_t, void* user_data) {
    H2Session& self = session_of(user_data);
    self.head_since_ms_ = 0;  // also of one that was reset in the middle of its head
    if (H2Stream* const stream = stream_of(handle, id)) self.close_stream(*stream);
    return 0;
  }

  static int on_frame_send(nghttp2_session* handle, const nghttp2_frame* frame, void* user_data) {
    H2Session& self = session_of(user_data);
    const std::uint8_t type = frame->hd.type;
    if (type == NGHTTP2_GOAWAY) self.goaway_id_ = std::min(self.goaway_id_, frame->goaway.last_stream_id);
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      self.thread_.counters.events.add(HttpEvent::bad_h2_frame);
    }
    H2Stream* stream = stream_of(handle, frame->hd.stream_id);
    const bool is_request_complete = nghttp2_session_get_stream_remote_close(handle, frame->hd.stream_id) != 0;
    if (type == NGHTTP2_RST_STREAM) {
      // Tells libnghttp2 that a body has ended; the client knows, and hears of it only where it is still sending.
      self.is_unsent_ = frame->rst_stream.error_code == NGHTTP2_NO_ERROR && (stream == nullptr || is_request_complete);
      if (self.is_unsent_) return 0;
      note_reset(self, frame->hd.stream_id);
    }
    if (type != NGHTTP2_HEADERS || is_interim(frame->headers)) return 0;
    if (stream != nullptr) self.bodies_.begin(*stream);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && !is_request_complete) {
      // Answered before all of the request had come: the rest is not wanted (RFC 9113, 8.1).
      return nghttp2_submit_rst_stream(handle, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }
};

H2Session::H2Session(HttpThread& thread, SessionHost& host)
    : thread_{thread},
      host_{host},
      bodies_{thread, streams_, *this},
      start_ms_{thread.now_ms()},
      heard_ms_{start_ms_},
      idle_since_ms_{start_ms_},
      checked_ms_{start_ms_} {
  static const OptionHandle options = make_options();
  handle_.reset(thread.h2_memory.make_server(Callbacks::all(), this, options.get()));
  submit_settings();
  thread_.counters.open.add(OpenGauge::connections_h2);
  thread_.counters.events.add(HttpEvent::connection_h2);
}

H2Session::~H2Session() {
  abandon(WhyEnded::client_closed);
  thread_.counters.open.add(OpenGauge::connections_h2, -1);
}

void H2Session::submit_settings() {
  const HttpOptions& options = thread_.options;
  const std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.h2_streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.h2_stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options.fields_bytes_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  int result = nghttp2_submit_settings(handle_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  assert(result == 0);
  result = nghttp2_session_set_local_window_size(handle_.get(), NGHTTP2_FLAG_NONE, 0,
                                                 static_cast<std::int32_t>(options.h2_connection_window));
  assert(result == 0);
}

void H2Session::submit_continue(std::int32_t id) {
  const nghttp2_nv status = field_of(":status", "100");
  // Without memory for it the client sends its body a little later.
  (void)nghttp2_submit_headers(handle_.get(), NGHTTP2_FLAG_NONE, id, nullptr, &status, 1, nullptr);
}

void H2Session::receive(std::string_view bytes) {
  if (is_over_) return;
  heard_ms_ = thread_.now_ms();
  ping_ms_ = 0;
  while (!bytes.empty() && !is_over_) {
    const std::string_view piece = scan_.take(bytes);
    if (piece.empty()) return;
    if (scan_.has_header()) {
      check_frame(scan_.header());
      if (is_over_ || take_update(scan_.header())) continue;
    }
    const ssize_t used =
        nghttp2_session_mem_recv(handle_.get(), reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
    if (!scan_.is_in_head()) head_since_ms_ = 0;  // also of one that libnghttp2 passes over in silence
    if (used >= 0) continue;
    // libnghttp2 gives up without a word; the peer is told why where that is still possible.
    terminate(used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  }
}

void H2Session::receive_end() {
  has_ended_ = true;
  abandon(WhyEnded::client_closed);
  is_over_ = true;
  life_ = Life::finish;
}

void H2Session::terminate(std::uint32_t code) {
  is_over_ = true;
  // Without memory for a GOAWAY the connection is just closed.
  (void)nghttp2_session_terminate_session(handle_.get(), code);
  host_.wake();
}

void H2Session::add_work(H2Stream& stream) {
  if (stream.is_linked()) return;
  work_.push_back(stream);
  host_.wake();
}

void H2Session::on_body_news(H2Stream& stream) {
  bodies_.resume(stream);
  host_.wake();
}

// What is wrong is left to libnghttp2, which knows what to answer; so are streams that are no more, or not yet.
bool H2Session::take_update(const H2FrameHeader& frame) {
  const std::uint32_t increment = scan_.increment();
  if (increment == 0) return false;
  if (frame.stream_id == 0) {
    if (!bodies_.give(increment)) terminate(NGHTTP2_FLOW_CONTROL_ERROR);
  } else {
    H2Stream* const stream = stream_of(handle_.get(), frame.stream_id);
    if (stream == nullptr) return false;
    if (!bodies_.give(*stream, increment)) {
      thread_.counters.events.add(HttpEvent::bad_h2_stream);
      reset_stream(*stream, NGHTTP2_FLOW_CONTROL_ERROR, WhyEnded::client_closed);
    }
  }
  if (bodies_.has_work()) host_.wake();
  return true;
}

void H2Session::take_settings() {
  const std::uint32_t window = nghttp2_session_get_remote_settings(handle_.get(), NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
  if (!bodies_.set_first_window(static_cast<std::int32_t>(window))) terminate(NGHTTP2_FLOW_CONTROL_ERROR);
  if (bodies_.has_work()) host_.wake();
}

bool H2Session::fill(Gather& gather) {
  if (life_ != Life::open) return false;
  for (int i = 0; i < kRequestsATurn && !work_.empty() && !is_over_; ++i) {
    H2Stream& stream = work_.front();
    stream.unlink();
    work_on(stream);
  }
  if (!work_.empty()) host_.wake();
  pull_frames(gather, kTurnBytes);
  const bool may_send = !is_over_ && nghttp2_session_want_read(handle_.get()) != 0;
  if (may_send && gather.size() < kTurnBytes && bodies_.has_work()) {
    bodies_.fill(gather);
    // Little, of bodies that are over; now, for their clients may ask for the next before the next turn.
    pull_frames(gather, kTurnBytes + 2 * kStreamFrameBytes);
  }
  const bool is_full = gather.size() >= kTurnBytes;
  const bool is_done = nghttp2_session_want_read(handle_.get()) == 0 && nghttp2_session_want_write(handle_.get()) == 0;
  if (is_done || (is_over_ && !is_full)) {
    is_over_ = true;
    life_ = Life::finish;
  }
  return is_full;
}

void H2Session::pull_frames(Gather& gather, std::size_t bytes_max) {
  while (gather.size() < bytes_max) {
    const std::uint8_t* data = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(handle_.get(), &data);
    if (bytes < 0) is_over_ = true;
    if (bytes <= 0) return;
    if (!std::exchange(is_unsent_, false)) gather.copy(view_of(data, static_cast<std::size_t>(bytes)));
  }
}

void H2Session::work_on(H2Stream& stream) {
  if (stream.incoming) handle_request(stream);
  if (stream.exchange && stream.exchange->has_reply()) answer(stream);
}

void H2Session::handle_request(H2Stream& stream) {
  H2Incoming& incoming = *stream.incoming;
  const auto verdict = host_.info().verdict;
  if (verdict != ConnectionLimit::Verdict::admitted) {
    const bool is_full = verdict == ConnectionLimit::Verdict::full;
    thread_.counters.events.add(is_full ? HttpEvent::refused_full : HttpEvent::refused_address_full);
    incoming.refuse(is_full ? kFull : kAddressFull);
    go_away(0);
  }
  const std::optional<Refusal> refusal = incoming.refusal;
  Request request = std::move(incoming.request);
  request.client = client_address(host_.info().peer, request, thread_.options.clients);
  request.id = thread_.make_request_id();
  stream.line = std::make_unique<AccessLine>(thread_, request, incoming.start_ms);
  stream.exchange = std::make_unique<OpenExchange>(thread_, stream, std::move(request));
  stream.incoming.reset();
  --unfinished_requests_;
  if (refusal) {
    const bool is_size = refusal->status == 413 || refusal->status == 414 || refusal->status == 431;
    if (is_size) thread_.counters.events.add(HttpEvent::too_large);
    Response response =
        thread_.handler.refusal(refusal->status, refusal->code, refusal->detail, &stream.exchange->request());
    if (refusal->status == 405) response.headers.push_back({"allow", "GET, HEAD, OPTIONS"});
    stream.exchange->respond(std::move(response));
  } else {
    thread_.observer.on_start(stream.exchange->request(), thread_.loop.index());
    thread_.handler.handle(*stream.exchange);
  }
  const bool was_last_id = stream.id == std::numeric_limits<std::int32_t>::max();
  if ((streams_begun_ >= thread_.options.h2_streams_of_connection || was_last_id) && last_goaway_ms_ == 0) {
    thread_.counters.events.add(HttpEvent::streams_used_up);
    go_away(kGoawayGapMs);
  }
}

void H2Session::answer(H2Stream& stream) {
  Response response = stream.exchange->take_reply();
  const bool is_head = stream.exchange->request().method == "HEAD";
  const bool has_no_body = response.status < 200 || response.status == 204 || response.status == 304;
  stream.line->set_answer(response.status, std::move(response.problem));
  stream.line->set_note(std::move(response.note));

  const std::string status = std::to_string(response.status);
  const std::string length = std::to_string(response.body.size());
  std::vector<nghttp2_nv> fields;
  fields.reserve(response.headers.size() + 3);
  fields.push_back(field_of(":status", status));
  fields.push_back(field_of("date", thread_.date.value(thread_.loop.timers().clock().wall_ms())));
  for (const ResponseField& field : response.headers) {
    // Nothing that a client has written may be taken for more than a value by a hop behind us.
    if (field.value.is_constant() || is_field_value(field.value.text()))
      fields.push_back(field_of(field.name, field.value.text()));
  }
  if (response.stream == nullptr && !has_no_body) fields.push_back(field_of("content-length", length));

  const bool has_body = !is_head && !has_no_body;
  const bool is_stream_dropped = !has_body && response.stream != nullptr;
  if (has_body) {
    if (response.stream != nullptr) {
      stream.source = std::move(response.stream);
      stream.source->set_waker(stream);
      stream.is_counted = true;
      thread_.counters.open.add(OpenGauge::streams);
      thread_.load.add(1);
    } else if (!response.body.empty()) {
      stream.body_left = response.body.size();
      stream.source = std::make_unique<StringSource>(std::move(response));
    }
  }
  if (!stream.source) stream.why = WhyEnded::complete;
  const std::uint8_t flags = stream.source ? NGHTTP2_FLAG_NONE : NGHTTP2_FLAG_END_STREAM;
  const int result =
      nghttp2_submit_headers(handle_.get(), flags, stream.id, nullptr, fields.data(), fields.size(), nullptr);
  // (A HEAD's stream is dropped only now, for the note is asked before; end() is the first thing that may ask.)
  if (is_stream_dropped) stream.line->end(WhyEnded::complete);
  stream.exchange.reset();
  if (result != 0) reset_stream(stream, NGHTTP2_INTERNAL_ERROR, WhyEnded::cut);
}

void H2Session::on_body_over(H2Stream& stream, WhyEnded why) {
  const std::uint32_t code = why == WhyEnded::complete  ? NGHTTP2_NO_ERROR
                             : why == WhyEnded::stalled ? NGHTTP2_CANCEL
                                                        : NGHTTP2_INTERNAL_ERROR;
  reset_stream(stream, code, why);
}

void H2Session::reset_stream(H2Stream& stream, std::uint32_t code, WhyEnded why) {
  if (stream.body == H2Stream::Body::over) return;
  bodies_.stop(stream);
  stream.why = why;
  if (nghttp2_submit_rst_stream(handle_.get(), NGHTTP2_FLAG_NONE, stream.id, code) != 0)
    terminate(NGHTTP2_INTERNAL_ERROR);
  host_.wake();
}

void H2Session::close_stream(H2Stream& stream) {
  stream.exchange.reset();
  if (stream.incoming) --unfinished_requests_;
  bodies_.stop(stream);
  if (stream.line) {
    stream.line->add_bytes(stream.sent_bytes);
    stream.line->end(stream.why);
  }
  if (stream.is_counted) {
    thread_.counters.open.add(OpenGauge::streams, -1);
    thread_.load.add(-1);
  }
  // What was emitted may still lie in the gather.
  if (stream.source) thread_.spent.push_back(std::move(stream.source));
  (void)nghttp2_session_set_stream_user_data(handle_.get(), stream.id, nullptr);
  streams_.erase_and_dispose(streams_.iterator_to(stream), std::default_delete<H2Stream>{});
  if (streams_.empty()) idle_since_ms_ = thread_.now_ms();
}

// What libnghttp2 lets pass, because it forgets streams once they are closed: a number that is lower than one before it
// and was never used, and frames on a stream that was closed (RFC 9113, 5.1). Only what was on its way when we closed
// it is passed over.
void H2Session::check_frame(const H2FrameHeader& frame) {
  const bool is_head = frame.type == NGHTTP2_HEADERS;
  if (frame.type == NGHTTP2_PRIORITY && frame.stream_id == 0) return terminate(NGHTTP2_PROTOCOL_ERROR);
  if ((!is_head && frame.type != NGHTTP2_DATA) || frame.stream_id % 2 == 0) return;
  if (frame.stream_id > last_id_) {
    if (!is_head) return;
    last_id_ = frame.stream_id;
    ++ids_seen_;
    return;
  }
  if (stream_of(handle_.get(), frame.stream_id) != nullptr) return;
  if (frame.stream_id > goaway_id_) return;  // crossed our GOAWAY: libnghttp2 passes over all of it (RFC 9113, 6.8)
  if (std::find(reset_ids_.begin(), reset_ids_.end(), frame.stream_id) != reset_ids_.end()) return;
  const bool was_one_left_out = ids_seen_ < (static_cast<std::uint32_t>(last_id_) + 1) / 2;
  terminate(is_head && was_one_left_out ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED);
}

std::int64_t H2Session::deadline_ms() const {
  const HttpOptions& options = thread_.options;
  if (is_over_) return kNever;
  std::int64_t deadline = kNever;
  if (!has_settings_ack_) deadline = start_ms_ + options.settings_ack_ms;
  if (head_since_ms_ != 0) deadline = std::min(deadline, head_since_ms_ + options.header_block_ms);
  if (last_goaway_ms_ != 0 && last_goaway_ms_ != kNever) deadline = std::min(deadline, last_goaway_ms_);
  if (streams_.empty()) return std::min(deadline, idle_since_ms_ + options.idle_h2_ms);
  deadline = std::min(deadline, ping_ms_ != 0 ? ping_ms_ + options.ping_answer_ms : heard_ms_ + options.ping_after_ms);
  if (bodies_.is_held_up() || unfinished_requests_ > 0) deadline = std::min(deadline, checked_ms_ + kCheckMs);
  return deadline;
}

void H2Session::on_time(std::int64_t now_ms, bool is_output_blocked) {
  if (is_over_) return;
  const HttpOptions& options = thread_.options;
  if (is_output_blocked) {  // nothing is read meanwhile
    heard_ms_ = now_ms;
    if (ping_ms_ != 0) ping_ms_ = now_ms;
  }
  if (!has_settings_ack_ && !is_output_blocked && now_ms >= start_ms_ + options.settings_ack_ms) {
    thread_.counters.events.add(HttpEvent::timeout_settings);
    return terminate(NGHTTP2_SETTINGS_TIMEOUT);
  }
  if (head_since_ms_ != 0 && !is_output_blocked && now_ms >= head_since_ms_ + options.header_block_ms) {
    thread_.counters.events.add(HttpEvent::timeout_head);
    return terminate(NGHTTP2_PROTOCOL_ERROR);
  }
  if (last_goaway_ms_ != 0 && now_ms >= last_goaway_ms_) {
    last_goaway_ms_ = kNever;
    const std::int32_t last_id = nghttp2_session_get_last_proc_stream_id(handle_.get());
    // Without memory for it the connection ends with its streams all the same.
    (void)nghttp2_submit_goaway(handle_.get(), NGHTTP2_FLAG_NONE, last_id, NGHTTP2_NO_ERROR, nullptr, 0);
  }
  if (streams_.empty()) {
    if (now_ms < idle_since_ms_ + options.idle_h2_ms) return;
    thread_.counters.events.add(HttpEvent::timeout_idle);
    return terminate(NGHTTP2_NO_ERROR);
  }
  if (ping_ms_ != 0 && now_ms >= ping_ms_ + options.ping_answer_ms && !is_output_blocked) {
    thread_.counters.events.add(HttpEvent::timeout_ping);
    return terminate(NGHTTP2_NO_ERROR);
  }
  if (ping_ms_ == 0 && now_ms >= heard_ms_ + options.ping_after_ms) {
    ping_ms_ = now_ms;
    (void)nghttp2_submit_ping(handle_.get(), NGHTTP2_FLAG_NONE, nullptr);  // no memory: then this peer counts as silent
    host_.wake();
  }
  if (now_ms < checked_ms_ + kCheckMs) return;
  bodies_.check_stalls(now_ms, now_ms - checked_ms_, is_output_blocked);
  check_bodies(now_ms, now_ms - checked_ms_, is_output_blocked);
  checked_ms_ = now_ms;
}

void H2Session::check_bodies(std::int64_t now_ms, std::int64_t passed_ms, bool is_output_blocked) {
  const HttpOptions& options = thread_.options;
  for (H2Stream& stream : streams_) {
    if (!stream.incoming || !stream.incoming->has_fields || stream.is_linked()) continue;
    H2Incoming& incoming = *stream.incoming;
    if (is_output_blocked) {  // nothing is read meanwhile
      incoming.body_clock.skip(passed_ms, now_ms);
      continue;
    }
    if (now_ms < incoming.body_clock.deadline_ms(options)) continue;
    thread_.counters.events.add(HttpEvent::timeout_body);
    incoming.refuse(kBodyTimeout);
    add_work(stream);
  }
}

void H2Session::drain() { go_away(kGoawayGapMs); }

void H2Session::go_away(std::int64_t gap_ms) {
  if (last_goaway_ms_ != 0) return;
  last_goaway_ms_ = thread_.now_ms() + gap_ms;
  (void)nghttp2_submit_shutdown_notice(handle_.get());  // no memory: the second one comes anyway
  host_.wake();
}

void H2Session::abandon(WhyEnded why) {
  is_over_ = true;
  while (!streams_.empty()) {
    H2Stream& stream = streams_.front();
    if (stream.body != H2Stream::Body::over) stream.why = why;
    close_stream(stream);
  }
}

}  // namespace tailgate
