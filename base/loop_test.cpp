#include "base/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace tailgate {
namespace {

class IoLoopTest : public ::testing::Test {
 protected:
  ~IoLoopTest() override {
    if (!thread.joinable()) return;
    loop.stop();
    thread.join();
  }
  void start() {
    thread = std::thread{[this] { loop.run(); }};
  }

  SystemClock clock;
  IoLoop loop{clock, 0};
  std::thread thread;
};

TEST_F(IoLoopTest, RunsAllThatOtherThreadsPostEachThreadsInItsOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5'000;
  start();
  std::vector<std::vector<int>> ran(kThreads);
  std::atomic<int> left{kThreads * kPosts};
  {
    std::vector<std::jthread> posters;
    for (std::size_t t = 0; t < kThreads; ++t) {
      posters.emplace_back([&, t] {
        for (int i = 0; i < kPosts; ++i) {
          loop.post([&, t, i] {
            ran[t].push_back(i);
            if (--left == 0) left.notify_one();
          });
        }
      });
    }
  }
  for (int now = left; now > 0; now = left) left.wait(now);

  std::vector<int> in_order(kPosts);
  std::iota(in_order.begin(), in_order.end(), 0);
  for (const std::vector<int>& of_thread : ran) EXPECT_EQ(of_thread, in_order);
}

TEST_F(IoLoopTest, WhatItPostsItselfRunsAfterTheCallThatPostsIt) {
  std::vector<int> ran;
  std::atomic<bool> is_done{false};
  loop.post([&] {
    loop.post([&] {
      ran.push_back(2);
      is_done = true;
      is_done.notify_one();
    });
    ran.push_back(1);
  });
  EXPECT_TRUE(ran.empty()) << "it does not run yet";
  start();
  is_done.wait(false);

  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(IoLoop, DropsWhatIsLeftWhenItEnds) {
  SystemClock clock;
  const auto held = std::make_shared<int>(1);
  {
    IoLoop loop{clock, 0};
    loop.post([held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace tailgate
