// One process: the Kafka side and the io threads, all of it driven step by step.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "streams/feed_set.h"
#include "streams/kafka_reports.h"
#include "streams/page_history.h"
#include "streams/tail_reader.h"
#include "tests/simulation/fake_kafka.h"
#include "tests/simulation/sim_loop.h"

namespace tailgate::simulation {

struct ReplicaOptions {
  std::size_t io_threads = 1;
  std::size_t history_consumers = 1;
  FeedOptions feed;
  TailOptions tail;
  HistoryOptions history;
};

struct IoThread {
  IoThread(const Clock& clock, std::size_t index, Tails& tails, History& history, Catalog& catalog, Doubts& doubts,
           const FeedOptions& options)
      : loop{clock, index}, context{loop, tails, history, catalog, doubts, counters}, feeds{context, options} {}
  SimLoop loop;
  StreamCounters counters;
  StreamContext context;
  FeedSet feeds;
};

class Replica {
 public:
  Replica(const Truth& truth, const Clock& clock, Random& random, const ReplicaOptions& options);

  BrokerView& view() { return view_; }
  FakeCatalog& catalog() { return catalog_; }
  const PageHistory& history() const { return *history_; }
  const TailReader& tails() const { return *tails_; }
  std::vector<std::unique_ptr<IoThread>>& threads() { return threads_; }

  // Some step of the Kafka side: a Fetch, a poll, an answer. False: there was nothing to do there.
  bool step_kafka();
  // Whatever there is to do on the Kafka side is done, in random order.
  void settle_kafka();
  void run_timers();
  // When everything has been answered.
  bool is_history_within_bounds() const { return history_->counts().memory_bytes <= history_bytes_; }

 private:
  Random& random_;
  const std::size_t history_bytes_;
  BrokerView view_;
  SimLoop own_;
  KafkaReports reports_;
  FakeCatalog catalog_;
  FakeConsumer live_;
  std::vector<std::unique_ptr<FakeConsumer>> catch_up_;
  std::unique_ptr<PageHistory> history_;
  std::unique_ptr<TailReader> tails_;
  Doubts doubts_;
  std::vector<std::unique_ptr<IoThread>> threads_;
};

}  // namespace tailgate::simulation
