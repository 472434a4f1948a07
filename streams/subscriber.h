// What one client has passed, and what it gets next: joining, falling behind, gaps and resets.
//
// A subscriber stands at a place in its feed's log. P is the feed's position there, v what the client has passed. Per
// partition: v = P in step; v > P ahead (it comes from a replica or thread that merged differently): the log's events
// of the partition are skipped until passed; v < P behind: they are skipped, and the records between are read from the
// RecordLog or from history until v = P. Live is: in step in every partition. Then nothing is kept but the place, and
// whole stretches of the log can be sent as they are; otherwise events come one by one from next(), each with an id of
// the subscriber's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_source.h"
#include "cursors/position.h"
#include "streams/feed.h"
#include "streams/feed_log.h"
#include "streams/reset_policy.h"

namespace tailgate {

struct SubscriberOptions {
  // Where it ends, by topic (public name) and partition: inclusive. Partitions that are not named have ended already.
  std::optional<Position> until;
  // `until` is the end as it was just now: a position beyond it is in doubt, not at its end.
  bool is_until_end = false;
  // Never live: each event is asked for (limits, long polls).
  bool is_counted = false;
  ResetPolicy on_reset = ResetPolicy::latest;
};

// The next thing for a client. Views live until the next call of the subscriber or of its feed.
struct Delivery {
  enum class Kind : std::uint8_t {
    record,  // front if not empty, else `record` is to be encoded
    gap,     // [from, to] are gone
    reset,   // asked for `from`, goes on at `to`
    fault,   // the stream ends: `code`
    leave,   // the same, because it was told to
  };
  Kind kind = Kind::record;
  std::string_view topic;
  std::int32_t partition = 0;
  Slot slot = 0;
  Offset offset = 0;
  std::string_view front;
  RecordView record;
  Offset from = 0;
  Offset to = 0;
  std::string_view code;
};

// A record that a client has got the first part of, while its bytes are gone.
struct PartialEvent {
  Slot slot = 0;
  Offset offset = 0;
  std::size_t front_hash = 0;  // std::hash of the front: the rest must be of the same event
  std::string tail;            // with its id
  std::size_t done = 0;        // bytes sent
};

// Threads: its feed's.
class Subscriber : public FeedMember {
 public:
  // `passed` names every partition that the client knows, also ones that this replica does not know yet; one of the
  // feed that it does not name is read from its beginning. `waker` is woken when there may be something again after a
  // wait; unless it is news of the feed.
  Subscriber(Feed& feed, const Position& passed, SubscriberOptions options, Waker& waker);
  ~Subscriber() override;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  Feed& feed() { return feed_; }
  bool is_live() const { return !own_; }
  StreamState state() const;
  // The next delivery at an event boundary is `leave`, whatever else there is. `why` lives as long as the process.
  void leave(std::string_view why) { leaves_ = why; }
  bool must_end() const { return !leaves_.empty() || !feed_.fault().empty(); }

  // ---- live ----
  // The bytes from here on that may be sent at once, at most `bytes_max`: whole events, or a part of one that is
  // larger, never cut behind the start of its id line unless `bytes_max` is less than that line. Encodes more if need
  // be. Empty: nothing, or no longer live.
  std::string_view prepare_live(std::size_t bytes_max);
  // Where in the chunk of its place they begin.
  std::size_t live_begin() const { return place_.chunk->begin_of(place_.entry) + done_; }
  // The first `bytes` of that, all of it, were sent; how many records they ended.
  std::size_t pass_live(std::size_t bytes);
  // The last one ended within an event.
  bool is_inside_event() const { return done_ > 0; }

  // ---- not live ----
  enum class Step : std::uint8_t {
    delivery,
    wait,      // the waker will be woken
    live,      // from here on prepare_live
    finished,  // `until` is reached in every partition
    busy,      // looked through enough for one turn and found nothing: to be called again after others
  };
  Step next(Delivery& delivery);
  // What it waits for is news of its feed as well.
  bool waits_for_news() const { return waits_for_news_; }
  // Lets go of records that next() read from; to be called before others have their turn.
  void unpin();

  // The position as text: what the client has passed when everything so far has reached it.
  std::string id();
  // The same without a copy, of one that is not live.
  std::string_view id_text();
  // False while the same id would be said again: nothing has passed since the last call.
  bool take_moved();
  // Everything that the reader has seen of every partition has passed, and it was at the readable end.
  bool is_caught_up() const;
  // Records may come soon that are there already: history has been asked for them, or a tail has not started yet.
  bool is_asking() const;

  // The rest of an event whose bytes were dropped while they were sent, or null; at most once.
  std::unique_ptr<PartialEvent> take_partial();
  enum class Found : std::uint8_t { yes, wait, gone };
  // That record again, for a partial event; `wait`: the waker will be woken.
  Found find(Slot slot, Offset offset, RecordView& record);

  // ---- FeedMember ----
  void on_evicted(const FeedLog::Place& to) override;
  const FeedLog::Place& place() const override { return place_; }

 private:
  struct Own;
  enum class Read : std::uint8_t { delivery, moved, blocked };

  void make_own(std::vector<Offset> at);
  bool is_in_step() const;
  bool is_finished() const;
  // Some partition is behind, and nothing has to be waited for to read on in it.
  bool can_read_behind() const;
  bool may_read(Slot slot) const;
  // The feed's entries, until one is for the client. False: at the head.
  bool next_of_feed(Delivery& delivery);
  // The records of the partitions that are behind. False: none can be read now.
  bool next_of_behind(Delivery& delivery);
  Read read_behind(Slot slot, Delivery& delivery);
  bool open_reading(Slot slot);
  // What was read into delivery.record.
  Read take_record(Slot slot, Delivery& delivery);
  bool next_control(Delivery& delivery);
  void ask_history(Slot slot);
  void on_history(Slot slot, const HistoryAnswer& answer);
  void know_slot(Slot slot);
  void know_all();
  std::optional<Slot> slot_of(const std::string& topic, std::int32_t number) const;
  void await(const std::string& topic, std::int32_t number, Offset passed);
  Offset until_of(const std::string& topic, std::int32_t number) const;
  void set_passed(Slot slot, Offset offset);
  void set_feed(Slot slot, Offset offset);
  Offset cross(const FeedEntry& entry);
  bool is_behind(Slot slot) const;
  Offset target(Slot slot) const;
  // Ids beyond what this replica has seen: other replicas may be faster, or the log was truncated.
  void check_suspects(std::int64_t now);
  void check_unknown();
  void on_ends(const Catalog::EndsAnswer& answer);
  // Sets the timer for what is due first.
  void wait(std::int64_t now);
  void wake_at(std::int64_t due_ms);
  void on_due();
  void keep_answer();
  void wake();
  std::int64_t now_ms() const;
  const Feed::Partition& partition(Slot slot) const { return feed_.partitions()[slot]; }

  // What a live one needs for an event comes first: of many that are woken together none is in a cache any more.
  Waker& waker_;
  Feed& feed_;
  FeedLog::Place place_;
  std::uint32_t done_ = 0;      // live: bytes of the entry at place_ that were sent
  std::uint32_t live_end_ = 0;  // live: the entry up to which the last prepare reached
  bool waits_for_news_ = false;
  bool has_moved_ = false;
  bool is_counted_;
  ResetPolicy on_reset_;
  std::unique_ptr<Own> own_;  // while not live
  std::string_view leaves_;   // why; empty while it stays
  std::unique_ptr<const Position> until_;
};

}  // namespace tailgate
