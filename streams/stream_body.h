// The body of an open-ended stream: SSE or NDJSON, pulled by the session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_source.h"
#include "base/loop.h"
#include "limits/pace.h"
#include "streams/stream_drain.h"
#include "streams/subscriber.h"

namespace tailgate {

struct StreamBodyOptions {
  std::int64_t heartbeat_ms = 15'000;
  std::int64_t retry_ms = 3'000;  // SSE: how long a client waits before it comes back, at most; at least half of it
  std::int64_t age_ms = 0;        // the client is told to come back after so long, or up to a fifth less; 0: never
  std::optional<std::uint64_t> limit;  // records of this response
  Paces* paces = nullptr;              // how fast `caller` may be sent to; null: as it takes it
  std::string caller;
  SubscriberOptions subscriber;  // is_counted is set when there is a limit
};

// Threads: its feed's. Memory while live: this object; else some KB more for each partition that differs, and at most
// kCarryBytesMax of an event that did not fit.
class StreamBody final : public ByteSource, public StreamDrain::Member, private Waker {
 public:
  StreamBody(Feed& feed, const Position& passed, const StreamBodyOptions& options);
  ~StreamBody() override;

  Pull prepare(std::size_t bytes_max) override;
  void emit(std::size_t bytes, ByteSink& sink) override;
  void set_waker(Waker& waker) override { waker_ = &waker; }
  News* news() override { return &subscriber_.feed().news(); }

  void leave(std::string_view why) override;
  // Kept as long as the stream lives.
  void hold(std::unique_ptr<Watch> slot) {
    if (slot) rare().slot = std::move(slot);
  }

  std::uint64_t records() const { return records_; }
  // limit, until, drain, stream_age, or the code of a fault; empty while it goes on.
  std::string_view why_ended() const { return rare_ ? std::string_view{rare_->why_ended} : std::string_view{}; }
  bool is_live() const { return subscriber_.is_live(); }
  // What the last prepare found, where all who stand there share it: bytes [from, to) of a chunk of the feed's log.
  struct Stretch {
    FeedChunk* chunk = nullptr;  // null: it is of this stream alone
    std::size_t from = 0;
    std::size_t to = 0;
  };
  Stretch stretch() const;
  Feed& feed() { return subscriber_.feed(); }
  // The position that the client has when everything so far has reached it.
  std::string id() { return subscriber_.id(); }

 private:
  enum class From : std::uint8_t { nothing, pending, scratch, carried, log };

  void wake() override;
  void on_time();
  Pull ready(From from, std::size_t bytes);
  Pull prepare_own(std::size_t bytes_max);
  Pull prepare_partial(std::size_t bytes_max);
  void append_delivery(std::string& out, const Delivery& delivery);
  void append_heartbeat();
  void end(std::string why, std::string_view event, std::string_view data, bool is_id_final);
  Counter& gauge();
  void count_state();

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::size_t kCarryBytesMax = 16 * 1024;

  struct Carried {
    std::string bytes;
    std::size_t done = 0;
  };
  // What few streams have, or none for long.
  struct Rare {
    std::unique_ptr<PartialEvent> partial;
    // Of the partial event, its next bytes: a small window does not have all of it encoded each time.
    std::unique_ptr<Carried> carried;
    std::size_t scratch_begin = 0;
    std::unique_ptr<Paces::Stream> pace;  // null: not limited
    std::uint64_t paced_records = 0;      // of records_
    std::uint64_t limit = 0;              // 0: none
    std::unique_ptr<Watch> slot;
    std::string why_ended;
  };
  Rare& rare();
  // Own bytes that go first: control blocks, the rest of an event.
  std::string& pending();

  // What a live stream needs for an event comes first: of many that are sent together none is in a cache any more.
  Waker* waker_ = nullptr;
  From from_ = From::nothing;
  bool is_heartbeat_due_ = false;
  bool is_ended_ = false;
  StreamState counted_state_;
  std::uint32_t log_bytes_ = 0;       // from the last prepare
  std::unique_ptr<Rare> rare_;        // null most of the time
  std::unique_ptr<Carried> pending_;  // the same; never without bytes
  std::uint64_t records_ = 0;
  std::int64_t sent_ms_;
  Subscriber subscriber_;
  std::int32_t heartbeat_ms_;
  std::int32_t retry_ms_;
  std::int64_t leaves_ms_ = kNever;  // of old age
  Timer timer_;                      // of the heartbeat and of old age, whichever is first
};

}  // namespace tailgate
