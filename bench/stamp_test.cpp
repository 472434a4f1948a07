#include "bench/stamp.h"

#include <gtest/gtest.h>

namespace tailgate::bench {
namespace {

std::string sse_of(std::uint64_t events) {
  StampWriter writer{200};
  std::string bytes = "retry: 3000\nevent: position\ndata: {}\nid: 0:41\n\n";
  for (std::uint64_t i = 0; i < events; ++i) {
    bytes += "data: ";
    bytes += writer.write({3, i, 1'790'000'000'123'456'789 + static_cast<std::int64_t>(i)});
    bytes += "\nid: 0:42\n\n";
  }
  return bytes;
}

TEST(StampWriter, MakesValuesOfTheSizeAskedFor) {
  StampWriter writer{200};
  EXPECT_EQ(writer.write({0, 0, 1}).size(), 200U);
  EXPECT_EQ(writer.write({99, 123'456'789, 1'790'000'000'123'456'789}).size(), 200U);
}

TEST(StampScanner, FindsEveryStampWhereverTheBytesAreCut) {
  const auto bytes = sse_of(3);
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{64}, bytes.size()}) {
      StampScanner scanner;
      std::uint64_t seen = 0;
      const auto on_stamp = [&seen](const Stamp& stamp) {
        ASSERT_EQ(stamp.partition, 3U);
        ASSERT_EQ(stamp.sequence, seen);
        ASSERT_EQ(stamp.nanoseconds, 1'790'000'000'123'456'789 + static_cast<std::int64_t>(seen));
        ++seen;
      };
      scanner.feed(std::string_view{bytes}.substr(0, first), on_stamp);
      for (auto at = first; at < bytes.size(); at += step)
        scanner.feed(std::string_view{bytes}.substr(at, step), on_stamp);
      ASSERT_EQ(seen, 3U) << "cut at " << first << ", pieces of " << step;
    }
  }
}

TEST(StampScanner, PassesOverBracesThatBeginNoStamp) {
  StampScanner scanner;
  int seen = 0;
  scanner.feed(R"({"topic":"t","headers":[{"name":"p"}],"value":{"p":1,"s":2,"t":3,"x":"{{{"}} {"p":x {"p":1,"s":2})",
               [&seen](const Stamp&) { ++seen; });
  EXPECT_EQ(seen, 1);
}

TEST(SequenceCheck, SeesNoFaultInPartitionsThatEachComeInOrder) {
  SequenceCheck check;
  SequenceFaults faults;
  for (std::uint64_t i = 100; i < 300; ++i) {
    check.see({0, i, 0}, faults);
    check.see({5, i * 1, 0}, faults);
  }
  EXPECT_EQ(faults.lost + faults.duplicated + faults.reordered, 0U);
}

TEST(SequenceCheck, TellsLostFromDuplicatedFromReordered) {
  SequenceCheck check;
  SequenceFaults faults;
  for (const std::uint64_t sequence : {1U, 2U, 2U, 5U, 4U, 4U, 200U, 199U}) check.see({0, sequence, 0}, faults);

  EXPECT_EQ(faults.duplicated, 2U);           // 2 and 4
  EXPECT_EQ(faults.reordered, 2U);            // 4 and 199
  EXPECT_EQ(faults.lost, 1U /* 3 */ + 193U);  // 6 to 198
}

}  // namespace
}  // namespace tailgate::bench
