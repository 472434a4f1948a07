#include "server/handlers/timestamp.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(Timestamp, OfRfc3339) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp("2026-09-21T13:46:40.123Z"), 1789998400123);
  EXPECT_EQ(parse_timestamp("2026-09-21t13:46:40z"), 1789998400000);
  EXPECT_EQ(parse_timestamp("2026-09-21 15:46:40+02:00"), 1789998400000);
  EXPECT_EQ(parse_timestamp("2026-09-21T15:46:40 02:00"), 1789998400000);
  EXPECT_EQ(parse_timestamp("2026-09-21T08:16:40-05:30"), 1789998400000);
  EXPECT_EQ(parse_timestamp("2026-09-21T13:46:40-00:00"), 1789998400000);
  EXPECT_EQ(parse_timestamp("2024-02-29T00:00:00Z"), 1709164800000);
  EXPECT_EQ(parse_timestamp("2016-12-31T23:59:60Z"), 1483228800000);
  EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59.999Z"), 253402300799999);
}

TEST(Timestamp, APartOfAMillisecondRoundsUp) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.5Z"), 500);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.05Z"), 50);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.1230000Z"), 123);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.1230001Z"), 124);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.999999999999999999999Z"), 1000);
}

TEST(Timestamp, BeforeTheEpochIsTheEpochAndNeverNegative) {
  EXPECT_EQ(parse_timestamp("1969-12-31T23:59:59Z"), 0);
  EXPECT_EQ(parse_timestamp("0000-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00+23:59"), 0);
  EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59-23:59"), 253402300799999);
}

TEST(Timestamp, OfMilliseconds) {
  EXPECT_EQ(parse_timestamp("@0"), 0);
  EXPECT_EQ(parse_timestamp("@1790000000123"), 1790000000123);
  EXPECT_EQ(parse_timestamp("@253402300799999"), 253402300799999);
}

TEST(Timestamp, AnythingElseIsNone) {
  for (const char* text : {"",
                           "@",
                           "@-1",
                           "@1.5",
                           "@ 1",
                           "@253402300800000",
                           "@99999999999999999999",
                           "now",
                           "42",
                           "2026-09-21",
                           "2026-09-21T13:46Z",
                           "2026-09-21T13:46:40",
                           "2026-09-21T13:46:40.Z",
                           "2026-09-21T24:00:00Z",
                           "2026-09-21T13:60:00Z",
                           "2026-09-21T13:46:61Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-9-21T13:46:40Z",
                           "2026-09-21T13:46:40Zx",
                           "2026-09-21T13:46:40+2:00",
                           "2026-09-21T13:46:40+02",
                           "2026-09-21T13:46:40+24:00",
                           "2026-09-21T13:46:40+0200",
                           " 2026-09-21T13:46:40Z",
                           "+026-09-21T13:46:40Z",
                           "2026-09-21X13:46:40Z",
                           "2026-09-21T-1:46:40Z"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tailgate
