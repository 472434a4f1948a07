#include "base/timers.h"

#include <gtest/gtest.h>

#include <memory>

namespace tailgate {
namespace {

constexpr auto count = [](int& runs) { ++runs; };

TEST(Timers, RunOnceWhenDueAndNeverEarly) {
  ManualClock clock;
  Timers timers{clock};
  int runs = 0;
  Timer timer{runs, count};
  timers.set(timer, 1000);

  clock.advance(999);
  timers.run_due();
  EXPECT_EQ(runs, 0);
  clock.advance(1 + Timers::kSlotMs);
  timers.run_due();
  EXPECT_EQ(runs, 1);
  clock.advance(10'000);
  timers.run_due();
  EXPECT_EQ(runs, 1);
}

TEST(Timers, LongerThanATurnOfTheWheelAndAfterALongPause) {
  ManualClock clock;
  Timers timers{clock};
  int runs = 0;
  Timer far{runs, count};
  timers.set(far, 500'000);
  for (int i = 0; i < 4'990; ++i) {
    clock.advance(100);
    timers.run_due();
  }
  EXPECT_EQ(runs, 0);
  clock.advance(3'600'000);
  timers.run_due();
  EXPECT_EQ(runs, 1);
}

TEST(Timers, TheRecentTimeIsThatOfTheLastTurnOfTheLoop) {
  ManualClock clock;
  Timers timers{clock};
  EXPECT_GT(timers.recent_ms(), clock.steady_ms() - Timers::kSlotMs);
  EXPECT_LE(timers.recent_ms(), clock.steady_ms());
  const std::int64_t before_ms = timers.recent_ms();
  clock.advance(10'050);
  EXPECT_EQ(timers.recent_ms(), before_ms);
  timers.run_due();
  EXPECT_GT(timers.recent_ms(), clock.steady_ms() - Timers::kSlotMs);
  EXPECT_LE(timers.recent_ms(), clock.steady_ms());
}

TEST(Timers, ACallbackMayDestroyAndRearm) {
  struct Owner {
    void on_due() {
      ++runs;
      other.reset();
      if (runs < 3) timers.set(again, 0);
    }
    Timers& timers;
    int runs = 0;
    std::unique_ptr<Timer> other = std::make_unique<Timer>(runs, count);
    Timer again{*this, [](Owner& self) { self.on_due(); }};
  };
  ManualClock clock;
  Timers timers{clock};
  Owner owner{timers};
  timers.set(owner.again, 0);
  timers.set(*owner.other, 0);
  for (int i = 0; i < 5; ++i) {
    clock.advance(200);
    timers.run_due();
  }
  EXPECT_EQ(owner.runs, 3);
}

}  // namespace
}  // namespace tailgate
