#include "server/handlers/query.h"

#include <gtest/gtest.h>

#include "base/percent.h"

namespace tailgate {
namespace {

constexpr std::string_view kNames[] = {"from", "format", "key", "limit"};
constexpr KnownParameters kKnown{kNames, "key"};

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs(std::string_view query) {
  const auto parameters = parse_query(query, kKnown);
  EXPECT_TRUE(parameters) << query << ": " << parameters.error().detail;
  Pairs found;
  if (!parameters) return found;
  for (const QueryParameter& parameter : *parameters) found.emplace_back(parameter.name, parameter.value);
  return found;
}

std::string refused(std::string_view query) {
  const auto parameters = parse_query(query, kKnown);
  EXPECT_FALSE(parameters) << query;
  if (parameters) return "";
  EXPECT_EQ(parameters.error().code, ErrorCode::bad_request) << query;
  return parameters.error().detail;
}

TEST(Query, IsTakenApartAtItsAmpersands) {
  EXPECT_EQ(pairs(""), Pairs{});
  EXPECT_EQ(pairs("from=earliest&limit=5"), (Pairs{{"from", "earliest"}, {"limit", "5"}}));
  EXPECT_EQ(pairs("&&from=earliest&"), (Pairs{{"from", "earliest"}}));
  EXPECT_EQ(pairs("from"), (Pairs{{"from", ""}}));
  EXPECT_EQ(pairs("from="), (Pairs{{"from", ""}}));
  EXPECT_EQ(pairs("from=a=b"), (Pairs{{"from", "a=b"}}));
  EXPECT_EQ(pairs("from=a;limit=5"), (Pairs{{"from", "a;limit=5"}}));
}

TEST(Query, IsDecodedOnce) {
  EXPECT_EQ(pairs("key=a%20b+c%2Bd"), (Pairs{{"key", "a b c+d"}}));
  EXPECT_EQ(pairs("key=%2541"), (Pairs{{"key", "%41"}}));
  EXPECT_EQ(pairs("%66rom=x"), (Pairs{{"from", "x"}}));
  EXPECT_EQ(pairs("key=%00%ff"), (Pairs{{"key", std::string{"\0\xff", 2}}}));
  EXPECT_EQ(pairs("key=a%26from%3Db"), (Pairs{{"key", "a&from=b"}}));
  for (const char* query : {"key=%", "key=%4", "key=%4g", "key=%g4", "key=%+1", "key=%-1", "%=1", "key=% 41"})
    refused(query);
}

TEST(Query, AnUnknownNameIsRefusedWithTheNearestKnownOneAndNotRepeated) {
  const std::string detail = refused("limit=1&form=earliest");
  EXPECT_NE(detail.find("parameter 2"), detail.npos);
  EXPECT_NE(detail.find("from?"), detail.npos);
  EXPECT_EQ(detail.find("form="), detail.npos);
  EXPECT_EQ(detail.find("earliest"), detail.npos);
  refused("key[]=2");
  refused("From=1");
  refused("=1");
  EXPECT_EQ(refused("%3Cscript%3E=1").find("script"), std::string::npos);
}

TEST(Query, NamesWithAnUnderscoreInFrontArePassedOver) {
  EXPECT_EQ(pairs("_=1&_t=2&from=x&_=3"), (Pairs{{"from", "x"}}));
}

TEST(Query, OnlyWhatIsRepeatableMayComeTwice) {
  EXPECT_EQ(pairs("key=b&key=a&key=b"), (Pairs{{"key", "b"}, {"key", "a"}, {"key", "b"}}));
  EXPECT_NE(refused("from=a&limit=1&from=a").find("from"), std::string::npos);
  refused("from=a&%66rom=a");
}

TEST(Query, TakesSixtyFourPairsAndNoMore) {
  std::string query;
  for (int i = 0; i < 64; ++i) query += "key=" + std::to_string(i) + '&';
  EXPECT_EQ(pairs(query).size(), 64u);
  refused(query + "key=64");
  refused(query + "_=1");
}

TEST(Percent, WhatIsEncodedReadsTheSame) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  std::string encoded;
  append_percent_encoded(encoded, all);
  EXPECT_EQ(percent_decode(encoded, Plus::is_space), all);
  EXPECT_EQ(percent_decode(encoded, Plus::as_it_is), all);
  encoded.clear();
  append_percent_encoded(encoded, "a=0:42,1:17;b");
  EXPECT_EQ(encoded, "a%3D0%3A42%2C1%3A17%3Bb");
}

TEST(Percent, APlusInAPathIsAPlus) { EXPECT_EQ(percent_decode("a+b%2b", Plus::as_it_is), "a+b+"); }

}  // namespace
}  // namespace tailgate
