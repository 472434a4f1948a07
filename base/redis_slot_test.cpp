#include "base/redis_slot.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

// The numbers are those of CLUSTER KEYSLOT.
TEST(RedisSlot, IsTheOneThatRedisComputes) {
  EXPECT_EQ(redis_slot("123456789"), 0x31C3);
  EXPECT_EQ(redis_slot("foo"), 12'182);
  EXPECT_EQ(redis_slot(""), 0);
}

TEST(RedisSlot, GoesByTheTag) {
  EXPECT_EQ(redis_slot("tailgate:cursor:{foo}"), redis_slot("foo"));
  EXPECT_EQ(redis_slot("{foo}{bar}"), redis_slot("foo"));
  EXPECT_EQ(redis_slot("a{{foo}}b"), redis_slot("{foo"));
  EXPECT_NE(redis_slot("{}foo"), redis_slot("foo"));
  EXPECT_NE(redis_slot("{foo"), redis_slot("foo"));
}

}  // namespace
}  // namespace tailgate
