#include "limits/pace.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "limits/memory_limits.h"

namespace tailgate {
namespace {

class CountingWaker final : public Waker {
 public:
  void wake() override { ++wakes; }
  int wakes = 0;
};

class PaceTest : public testing::Test {
 protected:
  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= 10) {
      clock.advance(10);
      loop.timers().run_due();
      loop.context().restart();
      loop.context().poll();
    }
  }
  // What a stream sends that has always something, in writes of so many records of 100 bytes, within the time.
  std::int64_t send(Paces::Stream& stream, std::int64_t ms, std::uint64_t records_a_write = 1) {
    std::int64_t records = 0;
    for (; ms > 0; ms -= 10) {
      while (stream.room() > 0) {
        stream.spend(records_a_write, records_a_write * 100);
        records += static_cast<std::int64_t>(records_a_write);
      }
      pass(10);
    }
    return records;
  }

  ManualClock clock;
  IoLoop loop{clock, 0};
  LimitTable table{clock};
  MemoryLimits store{table, loop};
  CountingWaker waker;
  LimitCounters counters;
};

TEST_F(PaceTest, RecordsComeAtTheirRateAfterASecondsWorth) {
  Paces paces{store, loop, {.records_per_second = 50}, counters};
  const auto stream = paces.open("a", waker);
  EXPECT_NEAR(static_cast<double>(send(*stream, 10'000)), 550, 30);
  EXPECT_GT(waker.wakes, 10);
  EXPECT_GT(counters.waits.get(), 10U);
}

TEST_F(PaceTest, BytesComeAtTheirRate) {
  Paces paces{store, loop, {.bytes_per_second = 10'000}, counters};
  const auto stream = paces.open("a", waker);
  EXPECT_NEAR(static_cast<double>(send(*stream, 10'000)), 1'100, 60);
}

TEST_F(PaceTest, AWriteThatIsLargerThanWhatIsLeftIsPaidBack) {
  Paces paces{store, loop, {.bytes_per_second = 10'000}, counters};
  const auto stream = paces.open("a", waker);
  EXPECT_NEAR(static_cast<double>(send(*stream, 60'000, 1'000)), 6'100, 1'000);
}

// A stream that has always something: as soon as it is woken it sends what it may.
class Greedy final : public Waker {
 public:
  // `turns`: those who were woken, in that order.
  Greedy(Paces& paces, const std::string& caller, std::deque<Greedy*>& turns)
      : turns_{turns}, stream_{paces.open(caller, *this)} {
    wake();
  }
  void wake() override { turns_.push_back(this); }
  void turn() {
    for (; stream_->room() > 0; ++sent) stream_->spend(1, 100);
  }
  std::int64_t sent = 0;

 private:
  std::deque<Greedy*>& turns_;
  std::unique_ptr<Paces::Stream> stream_;
};

TEST_F(PaceTest, TheStreamsOfACallerShareAndTakeTurns) {
  Paces paces{store, loop, {.records_per_second = 100}, counters};
  std::vector<std::unique_ptr<Greedy>> streams;
  std::deque<Greedy*> turns;
  for (int i = 0; i < 4; ++i) streams.push_back(std::make_unique<Greedy>(paces, "a", turns));
  Greedy other{paces, "b", turns};
  for (int step = 0; step < 4'000; ++step) {
    for (; !turns.empty(); turns.pop_front()) turns.front()->turn();
    pass(10);
  }
  std::int64_t all = 0;
  for (const auto& stream : streams) {
    EXPECT_GT(stream->sent, 500);
    all += stream->sent;
  }
  EXPECT_NEAR(static_cast<double>(all), 4'100, 200);
  EXPECT_NEAR(static_cast<double>(other.sent), 4'100, 200);
}

TEST_F(PaceTest, NothingIsKeptOfWhoHasNoStream) {
  Paces paces{store, loop, {.records_per_second = 1}, counters};
  auto stream = paces.open("a", waker);
  send(*stream, 1'000);
  EXPECT_EQ(paces.callers(), 1U);
  stream.reset();
  EXPECT_EQ(paces.callers(), 0U);
  pass(5'000);
}

// Long polls: each is a stream of its own, and sends more than it has been given.
TEST_F(PaceTest, WhoComesAnewEachTimePaysBackFirst) {
  Paces paces{store, loop, {.records_per_second = 100}, counters};
  std::int64_t records = 0;
  for (int step = 0; step < 6'000;) {
    const auto stream = paces.open("a", waker);
    for (; stream->room() == 0; ++step) pass(10);
    stream->spend(300, 1);
    records += 300;
  }
  EXPECT_NEAR(static_cast<double>(records), 6'100, 400);
  pass(10'000);
  EXPECT_EQ(paces.callers(), 0U) << "paid back, and forgotten";
}

TEST_F(PaceTest, WithoutALimitThereIsNone) {
  Paces paces{store, loop, {}, counters};
  EXPECT_EQ(paces.open("a", waker), nullptr);
}

}  // namespace
}  // namespace tailgate
