// How the followers of a tail hear that it has changed: one wake-up per io loop and batch, whatever the number of
// tails.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/counter.h"
#include "base/loop.h"
#include "streams/record.h"
#include "streams/record_log.h"

namespace tailgate {

struct Listeners;

// What changed for one loop since it last looked.
struct LoopNews : std::enable_shared_from_this<LoopNews> {
  explicit LoopNews(Loop& loop_in) : loop{loop_in} {}
  // Threads: the reader's.
  void add(const std::shared_ptr<Listeners>& listeners);
  // Threads: the loop's.
  void tell();

  Loop& loop;
  std::mutex mutex;
  std::vector<std::shared_ptr<Listeners>> changed;  // under mutex; not empty: tell() is on its way
};

struct Follower {
  std::function<void()> on_news;
  std::size_t place = 0;  // in Listeners::followers
};

// Those on one loop who follow one tail.
struct Listeners {
  explicit Listeners(LoopNews& news_in) : news{news_in} {}

  // Threads: the loop's. Any of them may be called by an on_news.
  void add(std::shared_ptr<Follower> follower);
  void remove(const Follower& follower);
  void tell();

  LoopNews& news;
  std::size_t count = 0;                             // of followers
  bool is_queued = false;                            // in news.changed; under news.mutex
  std::vector<std::shared_ptr<Follower>> followers;  // the loop's; null: removed while they were told
  bool is_telling = false;
};

// A tailed partition as all threads see it.
struct Tail {
  explicit Tail(TopicPartition name_in) : name{std::move(name_in)} {}
  // Threads: the loop's.
  std::shared_ptr<Listeners> listeners_on(LoopNews& news);
  void remove(const Listeners& listeners);
  // Threads: the reader's. A follower that registers while this runs is either told, or sees the change when it looks
  // after.
  void tell_followers();

  const TopicPartition name;
  RecordLog log;
  Counter records;     // read
  Counter bytes;       // of these
  Counter unreadable;  // gauge: offsets between the readable end and the log's
  std::mutex mutex;
  std::vector<std::shared_ptr<Listeners>> listeners;  // by loop; under mutex
  std::size_t follows = 0;                            // under the reader's mutex
};

}  // namespace tailgate
