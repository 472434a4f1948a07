#include "cursors/id_text.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace tailgate {
namespace {

TEST(IdText, OneOffsetMovesInPlace) {
  IdText id{IdForm::parts};
  const std::size_t first = id.add("orders", 0, 41);
  id.add("orders", 1, 17);
  ASSERT_EQ(id.text(), "0:41,1:17");
  const char* const where = id.text().data();

  id.set(first, 42);

  EXPECT_EQ(id.text(), "0:42,1:17");
  EXPECT_EQ(id.text().data(), where);
  EXPECT_EQ(id.passed(first), 42);
}

TEST(IdText, AnOffsetThatGrowsByADigitMovesWhatIsBehindIt) {
  IdText id{IdForm::parts};
  const std::size_t first = id.add("orders", 0, 9);
  const std::size_t second = id.add("orders", 1, kNothingPassed);
  EXPECT_EQ(id.text(), "0:9,1:-");
  id.set(first, 10);
  id.set(second, 100);
  EXPECT_EQ(id.text(), "0:10,1:100");
  id.set(second, 101);
  id.set(first, kNothingPassed);
  EXPECT_EQ(id.text(), "0:-,1:101");
}

TEST(IdText, PartitionsAddedLaterStandInTheirOrder) {
  IdText id{IdForm::topics};
  const std::size_t b1 = id.add("b", 1, 7);
  EXPECT_EQ(id.text(), "b=1:7");
  const std::size_t a0 = id.add("a", 0, kNothingPassed);
  const std::size_t b0 = id.add("b", 0, 5);
  EXPECT_EQ(id.text(), "a=0:-;b=0:5,1:7");
  id.set(b1, 8);
  id.set(a0, 3);
  id.set(b0, 6);
  EXPECT_EQ(id.text(), "a=0:3;b=0:6,1:8");
}

TEST(IdText, OfOnePartitionIsItsOffset) {
  IdText id{IdForm::offset, {{"orders", {{3, kNothingPassed}}}}};
  EXPECT_EQ(id.text(), "-");
  id.set(0, 0);
  EXPECT_EQ(id.text(), "0");
  EXPECT_EQ(id.size(), 1u);
}

// The oracle is format_id: whatever is added and set, in whatever order, the text is the same.
TEST(IdText, ReadsAsTheIdOfItsPositionAfterAnySteps) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const auto any_offset = [&] {
      const std::uint64_t bits = below(64);
      return bits == 0 ? kNothingPassed : static_cast<Offset>(random() >> (64 - bits));
    };
    const IdForm form = below(2) == 0 ? IdForm::parts : IdForm::topics;
    Position position;
    IdText id{form};
    std::vector<std::pair<std::string, std::int32_t>> slots;
    for (int step = 0; step < 200; ++step) {
      if (slots.empty() || below(8) == 0) {
        const std::string topic = form == IdForm::parts ? "only" : std::string(1, static_cast<char>('a' + below(4)));
        const auto partition = static_cast<std::int32_t>(below(2) == 0 ? below(30) : below(1u << 31));
        if (position[topic].contains(partition)) continue;
        const Offset passed = any_offset();
        position[topic][partition] = passed;
        ASSERT_EQ(id.add(topic, partition, passed), slots.size());
        slots.emplace_back(topic, partition);
      } else {
        const std::size_t slot = below(slots.size());
        Offset& passed = position[slots[slot].first][slots[slot].second];
        passed = below(3) == 0 ? any_offset() : passed + 1;
        id.set(slot, passed);
      }
      if (below(4) == 0) continue;
      ASSERT_EQ(id.text(), format_id(position, form)) << "seed " << seed << " step " << step;
    }
    ASSERT_EQ(id.text(), format_id(position, form)) << "seed " << seed;
    ASSERT_EQ((IdText{form, position}.text()), id.text()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tailgate
