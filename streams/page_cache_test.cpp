#include "streams/page_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tailgate {
namespace {

class PageCacheTest : public testing::Test {
 protected:
  std::shared_ptr<const HistoryPage> put(Offset first, Offset next) {
    auto page = memory.make<const HistoryPage>(100, partition, Headers::left_out, first, next,
                                               memory.make<RecordChunk>(100, 100));
    cache.put(page, 1, true);
    return page;
  }

  const TopicPartition partition{"k.orders", 0};
  ManualClock clock;
  HistoryMemory memory;
  PageCache cache{clock, memory, 1'000'000, 60'000};
};

TEST_F(PageCacheTest, APageWithinAnotherDoesNotHideIt) {
  const auto large = put(0, 1'000);
  const auto small = put(500, 600);

  EXPECT_EQ(cache.peek(partition, 700), large);
  EXPECT_EQ(cache.peek(partition, 550), large);
  EXPECT_EQ(small.use_count(), 1) << "it is not kept";
}

TEST_F(PageCacheTest, APageTakesThePlaceOfThoseWithinIt) {
  const auto before = put(400, 500);
  const auto first = put(500, 600);
  const auto last = put(600, 700);
  const auto behind = put(700, 800);
  const auto large = put(450, 750);

  EXPECT_EQ(first.use_count() + last.use_count(), 2) << "they are not kept";
  EXPECT_EQ(cache.peek(partition, 449), before);
  EXPECT_EQ(cache.peek(partition, 620), large);
  EXPECT_EQ(cache.peek(partition, 750), behind);
  EXPECT_EQ(cache.first_from(partition, 451), 700);
  EXPECT_EQ(cache.first_from(partition, 701), PageCache::kNone);
}

TEST_F(PageCacheTest, APageThatIsTooOldHidesNone) {
  const auto old = put(0, 1'000);
  clock.advance(61'000);
  const auto small = put(500, 600);

  EXPECT_EQ(cache.peek(partition, 550), small);
  EXPECT_FALSE(cache.peek(partition, 700));
  EXPECT_EQ(old.use_count(), 2);

  const auto same_first = put(0, 10);
  EXPECT_EQ(cache.peek(partition, 0), same_first);
  EXPECT_EQ(old.use_count(), 1);
  cache.drop(partition);
  EXPECT_EQ(same_first.use_count(), 1);
}

TEST_F(PageCacheTest, WhatIsNotKeptSinceItIsThereIsNotWaitedFor) {
  put(0, 1'000);
  cache.put(
      memory.make<const HistoryPage>(100, partition, Headers::left_out, 500, 600, memory.make<RecordChunk>(100, 100)),
      7, false);

  const auto unasked = cache.take_unasked();
  ASSERT_EQ(unasked.size(), 1U);
  EXPECT_EQ(unasked.front().run, 7U);
}

TEST_F(PageCacheTest, WhateverOverlapsEveryOffsetOfAPageIsFound) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  std::vector<bool> known(200);
  for (int i = 0; i < 300; ++i) {
    const Offset first = std::uniform_int_distribution<Offset>{0, 198}(random);
    const Offset next = std::uniform_int_distribution<Offset>{first + 1, 199}(random);
    put(first, next);
    for (Offset offset = first; offset < next; ++offset) known[static_cast<std::size_t>(offset)] = true;
    for (Offset offset = 0; offset < 199; ++offset) {
      const auto page = cache.peek(partition, offset);
      ASSERT_EQ(page != nullptr, known[static_cast<std::size_t>(offset)]) << "offset " << offset << " after " << i;
      if (page) {
        ASSERT_TRUE(page->first <= offset && offset < page->next);
      }
    }
  }
}

}  // namespace
}  // namespace tailgate
