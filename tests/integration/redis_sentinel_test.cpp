// The link through Sentinel: three real sentinels, a master that dies, one that comes back as a replica.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/redis_caller.h"
#include "tests/support/free_port.h"
#include "tests/support/raw_connection.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

const RedisScript& set_script() {
  static const RedisScript script{"redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"};
  return script;
}

class Sentinel {
 public:
  explicit Sentinel(int master_port) : port{free_port()} {
    const std::string config = folder_ / "sentinel.conf";
    std::ofstream{config} << "port " << port << "\nbind 127.0.0.1\ndir " << std::string{folder_.path()}
                          << "\nsentinel monitor main 127.0.0.1 " << master_port
                          << " 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n";
    process_ =
        std::make_unique<Process>(std::vector<std::string>{"redis-server", config, "--sentinel"}, folder_ / "log");
  }
  std::string command(std::vector<std::string> words) const {
    words.insert(words.begin(), {"redis-cli", "-p", std::to_string(port)});
    return run(words);
  }
  bool knows_all() const {
    const std::string info = command({"INFO", "sentinel"});
    return info.find("status=ok") != std::string::npos && info.find("slaves=1,sentinels=3") != std::string::npos;
  }
  const int port;

 private:
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

class RedisSentinelTest : public testing::Test {
 protected:
  RedisSentinelTest() {
    for (int i = 0; i < 3; ++i) {
      sentinels.push_back(std::make_unique<Sentinel>(master.port()));
      url += (i == 0 ? "" : ",") + ("127.0.0.1:" + std::to_string(sentinels.back()->port));
    }
    url += "/main/2";
    for (const auto& sentinel : sentinels) {
      EXPECT_TRUE(eventually([&] { return RawConnection::is_open(sentinel->port) && sentinel->knows_all(); }));
    }
  }
  RedisOptions options() const { return RedisCaller::options_of(url); }

  RedisServer master;
  RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(master.port())}};
  std::vector<std::unique_ptr<Sentinel>> sentinels;
  std::string url = "redis-sentinel://";
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
  ASSERT_TRUE(eventually([&] { return sentinels[0]->command({"SENTINEL", "FAILOVER", "main"}) == "OK\n"; }));
  EXPECT_TRUE(eventually([&] {
    return replica.command({"ROLE"}).starts_with("master") && caller.text(set_script(), {"k"}, {"2"}) == "2" &&
           replica.command({"-n", "2", "GET", "k"}) == "2\n";
  }));
}

TEST_F(RedisSentinelTest, GoesOnWithoutSentinelsAndStartsWithOneOfThem) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  sentinels.pop_back();
  sentinels.pop_back();
  RedisCaller late{options()};
  EXPECT_TRUE(late.is_up_soon());
  sentinels.pop_back();
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  EXPECT_EQ(late.text(set_script(), {"k"}, {"2"}), "2");
}

}  // namespace
}  // namespace tailgate::test
