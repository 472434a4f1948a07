// The link through Sentinel: three real sentinels, a master that dies, one that comes back as a replica.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/redis_caller.h"
#include "tests/support/redis_sentinels.h"

namespace tailgate::test {
namespace {

const RedisScript& set_script() {
  static const RedisScript script{"redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"};
  return script;
}

class RedisSentinelTest : public testing::Test {
 protected:
  RedisOptions options() const { return RedisCaller::options_of(redis.url() + "/2"); }

  RedisSentinels redis;
  RedisServer& master = redis.master;
  RedisServer& replica = redis.replica;
};

TEST_F(RedisSentinelTest, FollowsAFailoverAndNeverWritesToTheOldMasterAgain) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"before"}), "before");
  EXPECT_EQ(master.command({"-n", "2", "GET", "k"}), "before\n");

  master.kill_hard();
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"after"}) == "after"; }));
  EXPECT_EQ(replica.command({"-n", "2", "GET", "k"}), "after\n");

  // It comes back and believes that it is a master, until the sentinels have told it otherwise.
  master.start();
  EXPECT_TRUE(eventually(
      [&] {
        EXPECT_EQ(caller.text(set_script(), {"k"}, {"again"}), "again");
        return master.command({"ROLE"}).starts_with("slave");
      },
      in(2 * kPatience)));
  EXPECT_EQ(replica.command({"-n", "2", "GET", "k"}), "again\n");
}

TEST_F(RedisSentinelTest, FollowsAFailoverThatSomebodyAskedFor) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  ASSERT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  ASSERT_TRUE(eventually([&] { return redis.sentinels[0]->command({"SENTINEL", "FAILOVER", "main"}) == "OK\n"; }));
  EXPECT_TRUE(eventually([&] {
    return replica.command({"ROLE"}).starts_with("master") && caller.text(set_script(), {"k"}, {"2"}) == "2" &&
           replica.command({"-n", "2", "GET", "k"}) == "2\n";
  }));
}

TEST_F(RedisSentinelTest, GoesOnWithoutSentinelsAndStartsWithOneOfThem) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  redis.sentinels.pop_back();
  redis.sentinels.pop_back();
  RedisCaller late{options()};
  EXPECT_TRUE(late.is_up_soon());
  redis.sentinels.pop_back();
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  EXPECT_EQ(late.text(set_script(), {"k"}, {"2"}), "2");
}

}  // namespace
}  // namespace tailgate::test
