#include "streams/exposure.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

Exposure exposure_of(const std::vector<std::string>& entries) {
  auto parsed = Exposure::parse(entries);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? *parsed : Exposure{};
}

TEST(Exposure, NamesAndPatternsExposeTopicsUnderTheirOwnNames) {
  const Exposure exposure = exposure_of({"orders", "public.*", "a*b*c"});

  EXPECT_TRUE(exposure.covers("orders"));
  EXPECT_TRUE(exposure.covers("public.views"));
  EXPECT_TRUE(exposure.covers("public."));
  EXPECT_TRUE(exposure.covers("a-b-b-c"));
  EXPECT_TRUE(exposure.covers("abc"));
  EXPECT_FALSE(exposure.covers("order"));
  EXPECT_FALSE(exposure.covers("orders2"));
  EXPECT_FALSE(exposure.covers("publi"));
  EXPECT_FALSE(exposure.covers("a-c-b"));
  EXPECT_EQ(exposure.public_name_of("public.views"), "public.views");
  EXPECT_EQ(exposure.public_name_of("private"), std::nullopt);
}

TEST(Exposure, InternalTopicsAreNeverExposedWhateverThePatternsSay) {
  const Exposure exposure = exposure_of({"*"});

  EXPECT_FALSE(exposure.covers("__consumer_offsets"));
  EXPECT_EQ(exposure.public_name_of("__consumer_offsets"), std::nullopt);
  EXPECT_TRUE(exposure.covers("_one_underscore"));
  EXPECT_FALSE(Exposure::parse({"__consumer_offsets"}));
  EXPECT_FALSE(Exposure::parse({"offsets=__consumer_offsets"}));
}

TEST(Exposure, ARenamedTopicIsReachedByItsPublicNameAlone) {
  const Exposure exposure = exposure_of({"*", "orders=internal.orders.v3"});

  EXPECT_TRUE(exposure.covers("orders"));
  EXPECT_FALSE(exposure.covers("internal.orders.v3"));
  EXPECT_EQ(exposure.public_name_of("internal.orders.v3"), "orders");
  EXPECT_EQ(exposure.public_name_of("orders"), std::nullopt) << "shadowed";
}

TEST(Exposure, NamesThatKafkaWouldNotTakeAreNeverCovered) {
  const Exposure exposure = exposure_of({"*"});

  for (const std::string name : {"", ".", "..", "a b", "a/b", "a\n", "a*", "ümlaut"})
    EXPECT_FALSE(exposure.covers(name)) << name;
  EXPECT_TRUE(exposure.covers(std::string(249, 'a')));
  EXPECT_FALSE(exposure.covers(std::string(250, 'a')));
}

TEST(Exposure, WrongEntriesAreNamed) {
  for (const std::string entry : {"", "a b", "=x", "x=", "x=y*", "x=y=z"}) {
    const auto parsed = Exposure::parse({entry});
    ASSERT_FALSE(parsed) << entry;
    EXPECT_EQ(parsed.error().code, ErrorCode::bad_config);
    EXPECT_NE(parsed.error().detail.find("'" + entry + "'"), std::string::npos);
  }
  EXPECT_FALSE(Exposure::parse({"x=a", "x=b"}));
  EXPECT_FALSE(Exposure::parse({"x=a", "y=a"}));
}

TEST(Exposure, WithoutPatternsKafkasNamesAreKnownBeforehand) {
  EXPECT_EQ(exposure_of({"a", "p=b"}).kafka_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(exposure_of({"a", "b*"}).kafka_names(), std::nullopt);
}

}  // namespace
}  // namespace tailgate
