#include "base/redis_url.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

std::string hosts(const RedisOptions& options) {
  std::string text;
  for (const RedisAddress& server : options.servers) text += server.text() + " ";
  return text;
}

TEST(RedisUrl, NamesOneServer) {
  const auto url = parse_redis_url("redis://cache.example");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->kind, RedisKind::single);
  EXPECT_EQ(hosts(*url), "cache.example:6379 ");
  EXPECT_FALSE(url->is_tls);
  EXPECT_EQ(url->db, 0);
  EXPECT_EQ(hosts(*parse_redis_url("rediss://[::1]:7000/2")), "[::1]:7000 ");
  EXPECT_TRUE(parse_redis_url("rediss://[::1]:7000/2")->is_tls);
  EXPECT_EQ(parse_redis_url("rediss://[::1]:7000/2")->db, 2);
  EXPECT_EQ(hosts(*parse_redis_url("unix:/run/redis.sock")), "unix:/run/redis.sock ");
}

TEST(RedisUrl, NamesUserAndPassword) {
  const auto both = parse_redis_url("redis://app:p%40ss%2F@h");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->user, "app");
  EXPECT_EQ(both->password, "p@ss/");
  const auto password = parse_redis_url("redis://:a:b@c@h:1");
  ASSERT_TRUE(password);
  EXPECT_EQ(password->user, "");
  EXPECT_EQ(password->password, "a:b@c");
}

TEST(RedisUrl, NamesNodesOfAClusterAndSentinels) {
  const auto cluster = parse_redis_url("redis-cluster://:pw@a:1,b,[::1]:3");
  ASSERT_TRUE(cluster);
  EXPECT_EQ(cluster->kind, RedisKind::cluster);
  EXPECT_EQ(hosts(*cluster), "a:1 b:6379 [::1]:3 ");
  const auto sentinel = parse_redis_url("rediss-sentinel://a,b:2/main/4");
  ASSERT_TRUE(sentinel);
  EXPECT_TRUE(sentinel->is_tls);
  EXPECT_EQ(sentinel->kind, RedisKind::sentinel);
  EXPECT_EQ(hosts(*sentinel), "a:26379 b:2 ");
  EXPECT_EQ(sentinel->master_name, "main");
  EXPECT_EQ(sentinel->db, 4);
}

TEST(RedisUrl, TakesAPathThatASocketCanHaveAndNoneThatIsLonger) {
  EXPECT_TRUE(parse_redis_url("unix:/" + std::string(106, 'x')));
  const auto longer = parse_redis_url("unix:/" + std::string(107, 'x'));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, ErrorCode::bad_config);
}

TEST(RedisUrl, RefusesWhatIsNoneAndNeverRepeatsIt) {
  for (const std::string text : {"",
                                 "h:6379",
                                 "http://h",
                                 "redis:/h",
                                 "redis://",
                                 "redis://h:0",
                                 "redis://h:65536",
                                 "redis://h:x",
                                 "redis://h/x",
                                 "redis://h/-1",
                                 "redis://a,b",
                                 "redis://secret@h",
                                 "redis://secret:%zz@h",
                                 "redis://::1",
                                 "redis://[::1",
                                 "redis://[::1]x",
                                 "redis://h h",
                                 "redis-cluster://h/1",
                                 "redis-cluster://a,,b",
                                 "redis-sentinel://h",
                                 "redis-sentinel://h/",
                                 "unix:",
                                 "unix:redis.sock",
                                 "redisss://h"}) {
    const auto url = parse_redis_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::bad_config);
    EXPECT_EQ(url.error().detail.find("secret"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace tailgate
