// What several subscribers of one io thread share: the records of some partitions, merged, filtered and encoded once.
#pragma once

#include <algorithm>
#include <boost/circular_buffer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/news.h"
#include "cursors/id.h"
#include "cursors/id_text.h"
#include "streams/catalog.h"
#include "streams/coded_log.h"
#include "streams/doubts.h"
#include "streams/encoder.h"
#include "streams/feed_log.h"
#include "streams/history.h"
#include "streams/key_index.h"
#include "streams/stream_counters.h"
#include "streams/tails.h"

namespace tailgate {

class FeedSet;

// What is asked for. Two requests with the same key() share a feed.
struct FeedSpec {
  std::vector<std::string> topics;        // public names, ascending, not empty
  std::optional<std::int32_t> partition;  // /streams/{topic}/{partition}: this one only
  std::vector<std::string> keys;          // ascending; empty: no filter
  EventFormat format = EventFormat::sse_value;
  std::int64_t gather_ms = 0;  // who waits is told at most so often: events may wait to be sent together

  std::string key() const;
  // That its events show.
  Headers headers() const { return format == EventFormat::sse_value ? Headers::left_out : Headers::read; }
  IdForm id_form() const {
    if (partition) return IdForm::offset;
    return topics.size() == 1 ? IdForm::parts : IdForm::topics;
  }
};

struct FeedOptions {
  std::size_t feed_bytes = std::size_t{8} << 20;     // of one feed
  std::size_t feeds_bytes = std::size_t{512} << 20;  // of all feeds of this thread
  std::size_t idle_feeds = 64;                       // kept warm without subscribers, on this thread
  std::int64_t idle_ms = 30'000;
  std::uint32_t jitter_seed = 1;  // of the thread
};

// What feeds and their subscribers use of the process and of their thread. All outlive them.
struct StreamContext {
  Loop& loop;
  Tails& tails;
  History& history;
  Catalog& catalog;
  Doubts& doubts;
  StreamCounters& counters;
};

// A subscriber as its feed sees it.
class FeedMember : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~FeedMember() = default;
  // The chunk that the member stands in is about to be dropped: it takes what it needs of it and stands at `to`, which
  // has been entered for it.
  virtual void on_evicted(const FeedLog::Place& to) = 0;
  virtual const FeedLog::Place& place() const = 0;
};

// Threads: its io thread only. Lives while it has members; FeedSet keeps it a while longer.
class Feed {
 public:
  struct Partition {
    TopicPartition source;
    std::string topic;  // public name
    TopicCounter* sent = nullptr;
    std::unique_ptr<Follow> follow;
    KeyedFollow* keyed = nullptr;  // the same, where there is a filter
    RecordLog::Cursor cursor;
    bool is_started = false;  // P is known
    bool is_dirty = false;    // in dirty_
    bool owes_progress = false;
    Offset passed = kNothingPassed;  // read up to here; P lags behind it while progress is owed
    std::int64_t progress_ms = 0;    // when the last progress entry was written
  };

  Feed(FeedSpec spec, const Topics& topics, StreamContext& context, FeedSet& owner);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const FeedSpec& spec() const { return spec_; }
  StreamContext& context() { return context_; }
  FeedLog& log() { return log_; }
  FeedSet& owner() { return owner_; }
  // By slot. Slots are only added.
  const std::vector<Partition>& partitions() const { return partitions_; }
  // Why the feed ends: a code for `fault`; empty while it goes on.
  const std::string& fault() const { return fault_; }

  // A member stands at the head from now on. The first one finds P at the head of what the reader has.
  FeedLog::Place join(FeedMember& member);
  void leave(FeedMember& member);
  // The feed has something that it did not have, or has come to its end: pull again.
  News& news() { return news_; }
  // The partition that the next one to join reads first, if it is behind. Each begins with another one: clients that
  // are cut again and again get on in all of them.
  Slot next_first() { return static_cast<Slot>(firsts_++ % std::max(partitions_.size(), std::size_t{1})); }
  std::size_t members() const { return members_.size(); }

  // Moves a member to the next chunk where its place is at its chunk's end and there is one. False: at the head.
  bool advance(FeedLog::Place& place);

  // Encodes some of what has come since, if anything; true: something was appended.
  bool encode_more();
  // There is more to look through than the last encode_more() did: news that are already here.
  bool has_more() const { return !dirty_.empty(); }
  bool matches(const RecordView& record) const;

  // The compressed form of its log, for members that take it.
  CodedLog& coded(Coding coding) { return coded_[index_of(coding)]; }
  // As CodedLog::make.
  const CodedUnit* make_unit(Coding coding, FeedChunk& chunk, std::size_t from, std::size_t to);

  // New partitions join in silence; a topic that is gone ends the feed.
  void on_topics(const Topics& topics);

 private:
  void add_partition(const Topic& topic, std::int32_t partition);
  void on_partition_news(Slot slot);
  void set_dirty(Slot slot);
  // Encodes from one partition until its head or the budget's end; true: something was appended.
  bool encode_partition(Slot slot, std::size_t& budget);
  void start_partition(Slot slot);
  // Its bytes in the log.
  std::size_t append_record(Slot slot, const RecordView& record);
  // At most one progress entry a partition and second; false: owed.
  bool append_progress(Slot slot);
  void on_progress_due();
  void keep_within_bounds();
  void evict_oldest();
  // Says how many bytes the log holds now.
  void account();
  // Of news: at once, or when the events have gathered for long enough.
  void tell_in_time();
  void tell();
  void end(std::string fault);

  FeedSpec spec_;
  StreamContext& context_;
  FeedSet& owner_;
  FeedLog log_;
  std::array<CodedLog, kCodings> coded_{CodedLog{log_, Coding::gzip}, CodedLog{log_, Coding::zstd}};
  IdText id_;                          // P at the head of the log, as text, of the partitions that are started
  std::vector<std::size_t> id_slots_;  // by slot: its place in id_
  std::vector<Partition> partitions_;
  boost::circular_buffer<Slot> dirty_;
  std::size_t firsts_ = 0;
  boost::intrusive::list<FeedMember> members_;
  News news_;
  std::size_t accounted_bytes_ = 0;
  std::uint64_t topics_version_;
  Timer progress_timer_;
  std::unique_ptr<FineTimer> gather_timer_;  // only where events gather
  std::int64_t told_ms_ = 0;                 // when the last news were told
  std::string fault_;
};

}  // namespace tailgate
