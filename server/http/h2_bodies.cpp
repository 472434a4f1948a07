#include "server/http/h2_bodies.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tailgate {
namespace {

constexpr std::size_t kFrameHeaderBytes = 9;
constexpr std::uint8_t kEndStream = 1;
// What every peer takes (RFC 9113, 6.5.2): nobody has to ask for its SETTINGS_MAX_FRAME_SIZE.
static_assert(kStreamFrameBytes <= 16'384);

// RFC 9113, 4.1; the type of DATA is 0.
void append_header(Gather& gather, std::int32_t id, std::size_t length, bool is_last) {
  const auto stream = static_cast<std::uint32_t>(id);
  std::array<char, kFrameHeaderBytes> header{};
  for (std::size_t i = 0; i < 3; ++i) header[i] = static_cast<char>(length >> (16 - 8 * i));
  header[4] = static_cast<char>(is_last ? kEndStream : 0);
  for (std::size_t i = 0; i < 4; ++i) header[5 + i] = static_cast<char>(stream >> (24 - 8 * i));
  gather.copy({header.data(), header.size()});
}

// As much of a source as is read and written when an event is sent.
constexpr std::size_t kSourceBytes = 256;
constexpr std::size_t kCacheLineBytes = 64;

void fetch(const void* object, std::size_t bytes) {
  const char* const begin = static_cast<const char*>(object);
  for (std::size_t at = 0; at < bytes; at += kCacheLineBytes) __builtin_prefetch(begin + at, /*rw=*/1);
}

}  // namespace

void H2Crowd::on_news() { bodies.on_news(*this); }

void H2Bodies::set(H2Stream& stream, H2Stream::Body body) {
  if (stream.body == H2Stream::Body::shut) --shut_;
  if (body == H2Stream::Body::shut) ++shut_;
  stream.body = body;
  stream.unlink();
}

void H2Bodies::begin(H2Stream& stream) {
  if (stream.body != H2Stream::Body::none || !stream.source) return;
  if (News* const news = stream.source->news()) {
    stream.crowd = &crowds_.try_emplace(news, *this, *news).first->second;
    ++stream.crowd->streams;
  }
  wait_for_turn(stream);
}

void H2Bodies::stop(H2Stream& stream) {
  set(stream, H2Stream::Body::over);
  if (H2Crowd* const crowd = std::exchange(stream.crowd, nullptr)) {
    if (--crowd->streams == 0) crowds_.erase(&crowd->news);
  }
}

void H2Bodies::resume(H2Stream& stream) {
  if (&stream == asked_) {
    if (!stream.is_linked()) later_.push_back(stream);
  } else if (stream.body == H2Stream::Body::waiting) {
    wait_for_turn(stream);
  }
}

void H2Bodies::on_news(H2Crowd& crowd) {
  if (crowd.waiting.empty()) return;
  turns_.splice(turns_.end(), crowd.waiting);
  owner_.on_bodies_news();
}

void H2Bodies::wait_for_turn(H2Stream& stream) {
  const bool is_open = stream.window.is_open();
  set(stream, is_open ? H2Stream::Body::ready : H2Stream::Body::shut);
  if (is_open) turns_.push_back(stream);
}

// Of many streams that have their turns none is in a cache any more: memory is asked for what the next ones need.
void H2Bodies::fetch_ahead() {
  auto next = turns_.begin();
  if (next == turns_.end()) return;
  fetch(next->source.get(), kSourceBytes);
  if (++next != turns_.end()) fetch(&*next, sizeof(H2Stream));
}

void H2Bodies::fill(Gather& gather) {
  while (gather.size() < kTurnBytes && has_work()) {
    H2Stream& stream = turns_.front();
    stream.unlink();
    fetch_ahead();
    stream.body = H2Stream::Body::ready;
    asked_ = &stream;
    take_turn(stream, gather);
  }
  asked_ = nullptr;
  turns_.splice(turns_.end(), later_);
}

// Goes on until the source has nothing, so that it is not asked once more in a turn of its own.
void H2Bodies::take_turn(H2Stream& stream, Gather& gather) {
  std::size_t turn_bytes = kStreamFrameBytes;
  while (turn_bytes > 0 && gather.size() < kTurnBytes && connection_.is_open() && stream.window.is_open()) {
    const Pull pull = stream.source->prepare(std::min({turn_bytes, connection_.room(), stream.window.room()}));
    switch (pull.state) {
      case Pull::State::ready:
        break;
      case Pull::State::wait:
        return wait(stream, false);
      case Pull::State::wait_for_news:
        return wait(stream, true);
      case Pull::State::end:
        append_header(gather, stream.id, 0, true);
        return owner_.on_body_over(stream, WhyEnded::complete);
      case Pull::State::cut:
        return owner_.on_body_over(stream, WhyEnded::cut);
    }
    const bool is_last = pull.bytes == stream.body_left;
    append_header(gather, stream.id, pull.bytes, is_last);
    stream.source->emit(pull.bytes, gather);
    connection_.take(pull.bytes);
    stream.window.take(pull.bytes);
    stream.sent_bytes += pull.bytes;
    stream.unreturned_bytes += static_cast<std::uint32_t>(pull.bytes);
    stream.stall.add(pull.bytes);
    window_stall_.add(pull.bytes);
    if (is_last) return owner_.on_body_over(stream, WhyEnded::complete);
    if (stream.body_left != H2Stream::kUnknown) stream.body_left -= pull.bytes;
    turn_bytes -= pull.bytes;
  }
  wait_for_turn(stream);
}

void H2Bodies::wait(H2Stream& stream, bool is_for_news) {
  stream.stall.stop();
  if (stream.is_linked()) return;  // it has woken itself
  stream.body = H2Stream::Body::waiting;
  if (!is_for_news) return;
  H2Crowd& crowd = *stream.crowd;
  crowd.waiting.push_back(stream);
  if (!crowd.is_linked()) crowd.news.add(crowd);
}

bool H2Bodies::give(H2Stream& stream, std::uint32_t bytes) {
  stream.unreturned_bytes -= std::min(stream.unreturned_bytes, bytes);
  if (!stream.window.change(bytes)) return false;
  if (stream.body == H2Stream::Body::shut && stream.window.is_open()) wait_for_turn(stream);
  return true;
}

bool H2Bodies::set_first_window(std::int32_t bytes) {
  const std::int64_t by = std::int64_t{bytes} - first_window_;
  first_window_ = bytes;
  if (by == 0) return true;
  for (H2Stream& stream : streams_) {
    if (!stream.window.change(by)) return false;
    if (stream.body == H2Stream::Body::shut && stream.window.is_open()) wait_for_turn(stream);
  }
  return true;
}

void H2Bodies::end_stalled(H2Stream& stream) {
  thread_.counters.events.add(HttpEvent::stalled_stream);
  owner_.on_body_over(stream, WhyEnded::stalled);
}

// A stream's clock runs only while nothing but its own window holds it up. Where the connection's window is shut, one
// stream that its reader has left may hold all of it: the one that holds most goes.
void H2Bodies::check_stalls(std::int64_t now_ms, std::int64_t passed_ms, bool is_output_blocked) {
  const bool is_window_open = connection_.is_open();
  for (H2Stream& stream : turns_) stream.body = H2Stream::Body::ready;  // also who came with its crowd
  H2Stream* heaviest = nullptr;
  for (H2Stream& stream : streams_) {
    if (stream.body != H2Stream::Body::ready && stream.body != H2Stream::Body::shut) continue;
    if (heaviest == nullptr || stream.unreturned_bytes > heaviest->unreturned_bytes) heaviest = &stream;
    if (is_output_blocked || !is_window_open) {
      stream.stall.skip(passed_ms);
      continue;
    }
    stream.stall.start(now_ms);
    if (now_ms >= stream.stall.deadline_ms(thread_.options) && stream.stall.has_stalled(now_ms, thread_.options)) {
      end_stalled(stream);
    }
  }
  if (is_window_open || heaviest == nullptr) {
    window_stall_.stop();
  } else if (is_output_blocked) {
    window_stall_.skip(passed_ms);
  } else {
    window_stall_.start(now_ms);
    if (now_ms >= window_stall_.deadline_ms(thread_.options) && window_stall_.has_stalled(now_ms, thread_.options)) {
      end_stalled(*heaviest);
      window_stall_.stop();
    }
  }
}

}  // namespace tailgate
