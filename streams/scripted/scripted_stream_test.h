// For tests of feeds: one io thread whose Kafka side is written by hand.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_source.h"
#include "streams/feed_set.h"
#include "streams/scripted/scripted_catalog.h"
#include "streams/scripted/scripted_history.h"
#include "streams/scripted/scripted_tails.h"
#include "streams/step_loop.h"
#include "streams/stream_body.h"

namespace tailgate::scripted {

class TextSink final : public ByteSink {
 public:
  void copy(std::string_view bytes) override { text += bytes; }
  void ref(std::string_view bytes) override { text += bytes, ++refs; }
  std::string text;
  int refs = 0;
};

// One io thread with its feeds, on topics that the test sets up. Values are "TOPIC/PARTITION:OFFSET" unless given.
class StreamTest : public ::testing::Test, public Waker, private News::Waiter {
 protected:
  static TopicPartition source(const std::string& topic, std::int32_t partition) { return {"k." + topic, partition}; }
  RecordLog& log(std::int32_t partition, const std::string& topic = "a") { return tails.log(source(topic, partition)); }
  static std::string value_at(std::int32_t partition, Offset offset, const std::string& topic = "a") {
    return topic + "/" + std::to_string(partition) + ":" + std::to_string(offset);
  }
  void append(std::int32_t partition, Offset offset, std::string value = {}, const char* key = nullptr) {
    if (value.empty()) value = value_at(partition, offset);
    RecordView record;
    record.offset = offset;
    record.value = value;
    if (key != nullptr) record.key = key;
    log(partition).append(record, clock.steady_ms());
  }
  // The followers of the partition hear of it, and whatever is posted is done.
  void tell(std::int32_t partition) {
    tails.tell(source("a", partition));
    run();
  }
  void run() {
    while (loop.run()) {
    }
  }
  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= 100) {
      clock.advance(100);
      run();
    }
  }
  std::shared_ptr<const HistoryPage> page(std::int32_t partition, Offset first, Offset next) {
    auto chunk = std::make_shared<RecordChunk>(64 * 1024);
    for (Offset offset = first; offset < next; ++offset) {
      const std::string value = value_at(partition, offset);
      RecordView record;
      record.offset = offset;
      record.value = value;
      EXPECT_TRUE(chunk->append(record));
    }
    return std::make_shared<const HistoryPage>(
        HistoryPage{source("a", partition), Headers::read, first, next, std::move(chunk)});
  }
  Feed& feed(FeedSpec spec = {}) {
    if (spec.topics.empty()) spec.topics = {"a"};
    return feeds.get(spec, *catalog.topics());
  }
  // Kafka answers all that it was asked about the ends of partition 0 of "a".
  void answer_ends(const PartitionEnds& ends) {
    for (auto& asked : std::exchange(catalog.asked, {})) {
      asked.reply(std::map<TopicPartition, PartitionEnds>{{source("a", 0), ends}});
    }
    run();
  }
  std::unique_ptr<StreamBody> open(Feed& on, const Position& passed, const StreamBodyOptions& how = {}) {
    auto body = std::make_unique<StreamBody>(on, passed, how);
    body->set_waker(*this);
    return body;
  }
  // Everything that a body gives now, pulled in pieces of `budget`.
  std::string pull(ByteSource& body, std::size_t budget = 64 * 1024) {
    TextSink sink;
    while (true) {
      last = body.prepare(budget);
      if (last.state != Pull::State::ready) break;
      EXPECT_LE(last.bytes, budget);
      body.emit(last.bytes, sink);
    }
    if (last.state == Pull::State::wait_for_news) body.news()->add(*this);
    run();
    refs = sink.refs;
    return sink.text;
  }
  void wake() override { ++wakes; }
  void on_news() override { wake(); }

  ManualClock clock;
  StepLoop loop{clock, 0};
  ScriptedTails tails;
  ScriptedHistory history;
  ScriptedCatalog catalog;
  StreamCounters counters;
  Doubts doubts;
  StreamContext context{loop, tails, history, catalog, doubts, counters};
  FeedOptions options;
  FeedSet feeds{context, options};
  Pull last;
  int refs = 0;
  int wakes = 0;
};

}  // namespace tailgate::scripted
