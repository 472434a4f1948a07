#include "cursors/id.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tailgate {
namespace {

constexpr Offset kOffsetMax = std::numeric_limits<Offset>::max();

// A stream of the given topics, or of one partition of one topic.
struct Stream {
  std::vector<std::string> topics{"orders"};
  std::optional<std::int32_t> partition = std::nullopt;

  Result<ParsedId> parse(std::string_view text) const { return parse_id(text, {topics, partition}); }
  Position position(std::string_view text) const {
    const Result<ParsedId> id = parse(text);
    EXPECT_TRUE(id) << text << ": " << (id ? "" : id.error().detail);
    return id ? id->position : Position{};
  }
  std::string refused(std::string_view text) const {
    const Result<ParsedId> id = parse(text);
    EXPECT_FALSE(id) << text;
    if (id) return "";
    EXPECT_EQ(id.error().code, text.starts_with("v2~") ? ErrorCode::newer_id : ErrorCode::bad_id) << text;
    return id.error().detail;
  }
};

const Stream kTopic{};
const Stream kPartition{{"orders"}, 3};
const Stream kTopics{{"payments", "orders"}};

TEST(Id, AnOffsetIsThatOfTheStreamsPartitionAndElseOfPartitionZero) {
  EXPECT_EQ(kPartition.position("42"), (Position{{"orders", {{3, 42}}}}));
  EXPECT_EQ(kTopic.position("42"), (Position{{"orders", {{0, 42}}}}));
  EXPECT_EQ(kTopic.position("-"), (Position{{"orders", {{0, kNothingPassed}}}}));
}

TEST(Id, LongerFormsAreTakenWhereAShorterOneIsWritten) {
  EXPECT_EQ(kPartition.position("3:42"), (Position{{"orders", {{3, 42}}}}));
  EXPECT_EQ(kPartition.position("orders=3:-"), (Position{{"orders", {{3, kNothingPassed}}}}));
  EXPECT_EQ(kTopic.position("orders=0:42,7:17"), (Position{{"orders", {{0, 42}, {7, 17}}}}));
  EXPECT_EQ(kTopics.position("orders=0:42,1:17;payments=0:7"),
            (Position{{"orders", {{0, 42}, {1, 17}}}, {"payments", {{0, 7}}}}));
  EXPECT_EQ(kTopics.position("payments=0:7"), (Position{{"payments", {{0, 7}}}}));
}

TEST(Id, AShorterFormThanTheStreamNeedsIsRefused) {
  EXPECT_NE(kTopics.refused("42"), "");
  EXPECT_NE(kTopics.refused("0:42,1:17"), "");
}

TEST(Id, AMarkOfTheEndIsTakenOffAndTold) {
  EXPECT_FALSE(kTopic.parse("0:42")->ended);
  const Result<ParsedId> id = kTopic.parse("0:42,1:17!");
  ASSERT_TRUE(id);
  EXPECT_TRUE(id->ended);
  EXPECT_EQ(id->position, (Position{{"orders", {{0, 42}, {1, 17}}}}));
  EXPECT_NE(kTopic.refused("!"), "");
  EXPECT_NE(kTopic.refused("0:42!!"), "");
  EXPECT_NE(kTopic.refused("0:42!,1:17"), "");
}

TEST(Id, OffsetsAreExactUpToTheLargest) {
  EXPECT_EQ(kTopic.position("0:9223372036854775807"), (Position{{"orders", {{0, kOffsetMax}}}}));
  EXPECT_EQ(kTopic.position("0:9007199254740993"), (Position{{"orders", {{0, 9007199254740993}}}}));
  EXPECT_EQ(kTopic.position("0:0000000000000000042"), (Position{{"orders", {{0, 42}}}}));
  EXPECT_NE(kTopic.refused("0:9223372036854775808"), "");
  EXPECT_NE(kTopic.refused("0:99999999999999999999"), "");
  EXPECT_NE(kTopic.refused("0:00000000000000000042"), "");
}

TEST(Id, PartitionsGoUpToTheLargest) {
  EXPECT_EQ(kTopic.position("2147483647:1"), (Position{{"orders", {{2147483647, 1}}}}));
  EXPECT_NE(kTopic.refused("2147483648:1"), "");
  EXPECT_NE(kTopic.refused("9999999999:1"), "");
  EXPECT_NE(kTopic.refused("00000000001:1"), "");
}

TEST(Id, WhatDoesNotParseIsRefusedAndNotRepeated) {
  const std::string nul{"0:4\0002", 5};
  const std::string invalid_utf8 = "0:\xff\xfe";
  for (const std::string& text : {std::string{"abc"},
                                  std::string{"{}"},
                                  std::string{"[1"},
                                  std::string(5'000, 'x'),
                                  invalid_utf8,
                                  nul,
                                  std::string{"0:1\r\n"},
                                  std::string{""},
                                  std::string{" 42"},
                                  std::string{"42 "},
                                  std::string{"+42"},
                                  std::string{"-1"},
                                  std::string{"--"},
                                  std::string{"0:-1"},
                                  std::string{"-0:1"},
                                  std::string{"-:1"},
                                  std::string{":"},
                                  std::string{"0:"},
                                  std::string{":1"},
                                  std::string{"0:1,"},
                                  std::string{",0:1"},
                                  std::string{"0:1,,1:1"},
                                  std::string{"0:1:2"},
                                  std::string{"0:1;1:2"},
                                  std::string{"0x1:1"},
                                  std::string{"1e3"},
                                  std::string{"1.0"},
                                  std::string{"0:1,1"},
                                  std::string{"="},
                                  std::string{"orders="},
                                  std::string{"orders=42"},
                                  std::string{"=0:1"},
                                  std::string{"orders=0:1;"},
                                  std::string{";orders=0:1"},
                                  std::string{"orders=0:1=2"},
                                  std::string{"orders==0:1"},
                                  std::string{"0:1;orders=0:1"}}) {
    const std::string detail = kTopic.refused(text);
    EXPECT_TRUE(text.size() <= 3 || detail.find(text) == detail.npos) << text;
  }
}

TEST(Id, RepeatedOrDescendingNamesAndNumbersAreRefused) {
  EXPECT_NE(kTopic.refused("0:1,0:2"), "");
  EXPECT_NE(kTopic.refused("1:1,0:2"), "");
  EXPECT_NE(kTopic.refused("0:1,00:2"), "");
  EXPECT_NE(kTopics.refused("payments=0:1;orders=0:1"), "");
  EXPECT_NE(kTopics.refused("orders=0:1;orders=1:1"), "");
}

TEST(Id, OtherTopicsAndPartitionsThanTheStreamsAreRefused) {
  EXPECT_NE(kTopic.refused("payments=0:1").find("topic"), std::string::npos);
  EXPECT_NE(kTopics.refused("orders=0:1;users=0:1"), "");
  EXPECT_NE(kPartition.refused("0:1").find("partition"), std::string::npos);
  EXPECT_NE(kPartition.refused("0:1,3:1"), "");
}

TEST(Id, AFormOfALaterVersionIsToldFromAMistake) {
  EXPECT_EQ(kTopic.parse("v2~0:1").error().code, ErrorCode::newer_id);
  EXPECT_EQ(kTopic.parse("v2~").error().code, ErrorCode::newer_id);
  EXPECT_EQ(kTopic.parse("v3~0:1").error().code, ErrorCode::bad_id);
}

TEST(Id, AsManyPartitionsAsAnIdMayNameAndNoMore) {
  Position position;
  for (std::int32_t p = 0; p < 256; ++p) position["orders"][p] = kOffsetMax;
  const std::string longest = format_id(position, IdForm::parts);
  EXPECT_LE(longest.size(), kIdBytesMax);
  EXPECT_EQ(kTopic.position(longest), position);
  EXPECT_EQ(kTopic.position(longest + '!'), position);
  EXPECT_NE(kTopic.refused(longest + ",256:0").find("256"), std::string::npos);
  EXPECT_NE(kTopic.refused(std::string(kIdBytesMax + 1, '1')).find("6 KiB"), std::string::npos);

  position.clear();
  for (std::int32_t p = 0; p < 129; ++p) position["orders"][p] = position["payments"][p] = 1;
  EXPECT_NE(kTopics.refused(format_id(position, IdForm::topics)), "");
}

TEST(Id, IsWrittenInTheFormOfItsStream) {
  EXPECT_EQ(format_id({{"orders", {{3, 42}}}}, IdForm::offset), "42");
  EXPECT_EQ(format_id({{"orders", {{3, kNothingPassed}}}}, IdForm::offset), "-");
  EXPECT_EQ(format_id({{"orders", {{0, 42}}}}, IdForm::parts), "0:42");
  EXPECT_EQ(format_id({{"orders", {{10, 0}, {9, kNothingPassed}}}}, IdForm::parts), "9:-,10:0");
  EXPECT_EQ(format_id({{"payments", {{0, 7}}}, {"orders", {{0, 42}, {1, 17}}}}, IdForm::topics),
            "orders=0:42,1:17;payments=0:7");
  EXPECT_EQ(format_id({{"orders", {{0, 42}}}}, IdForm::topics), "orders=0:42");
}

TEST(Id, WhatIsWrittenReadsTheSame) {
  const Position position{{"a", {{0, 0}, {1, kOffsetMax}, {2147483647, kNothingPassed}}}, {"b", {{0, 42}}}};
  EXPECT_EQ((Stream{{"a", "b"}}.position(format_id(position, IdForm::topics))), position);
}

}  // namespace
}  // namespace tailgate
