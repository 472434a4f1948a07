#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

constexpr std::string_view kNames[] = {"format", "from", "key", "limit", "until", "wait"};

TEST(NearestName, IsTheOneWithTheFewestSlips) {
  EXPECT_EQ(nearest_name("form", kNames), "from");
  EXPECT_EQ(nearest_name("frm", kNames), "from");
  EXPECT_EQ(nearest_name("fromat", kNames), "format");
  EXPECT_EQ(nearest_name("keys", kNames), "key");
  EXPECT_EQ(nearest_name("limits", kNames), "limit");
  EXPECT_EQ(nearest_name("untill", kNames), "until");
  EXPECT_EQ(nearest_name("wiat", kNames), "wait");
  EXPECT_EQ(nearest_name("wait", kNames), "wait");
}

TEST(NearestName, AnyNameHasOne) {
  EXPECT_FALSE(nearest_name("", kNames).empty());
  EXPECT_FALSE(nearest_name(std::string(100'000, 'x'), kNames).empty());
}

}  // namespace
}  // namespace tailgate
