// The link through Sentinel: three real sentinels, a master that dies, one that comes back as a replica.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <string>
#include <thread>

#include "tests/integration/redis_caller.h"
#include "tests/support/free_port.h"
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

  // Who is master from now on stays it, however slowly it answers beside other tests: nothing goes back to the old one.
  redis.set_patience(std::chrono::minutes{1});
  // It comes back and believes that it is a master, until the sentinels have told it otherwise.
  master.start();
  EXPECT_TRUE(eventually(
      [&] {
        EXPECT_EQ(caller.text(set_script(), {"k"}, {"again"}), "again");
        return master.command({"ROLE"}).starts_with("slave");
      },
      in(4 * kPatience)))  // sentinels that were late themselves do nothing for half a minute (TILT)
      << redis.log();
  EXPECT_EQ(replica.command({"-n", "2", "GET", "k"}), "again\n");
}

TEST(RedisSentinel, OfWhichNoneAnswersIsSaidOnceAMinute) {
  RedisCaller caller{RedisCaller::options_of("redis-sentinel://127.0.0.1:" + std::to_string(free_port()) + "/m/0")};
  caller.thread().forward(60'000);
  caller.thread().forward(60'000);
  const auto lines = caller.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[1].starts_with("Redis was not reached since the start (for 12")) << lines[1];
}

// Says what it is told to, to one client.
class ScriptedSentinel {
 public:
  ScriptedSentinel() : acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}}, thread_{[this] { serve(); }} {}
  // Once the client is gone.
  ~ScriptedSentinel() { thread_.join(); }

  std::string url() const {
    return "redis-sentinel://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/main";
  }
  // Returns when the client has heard it.
  void say(int master_port, int epoch) {
    const auto before = say_without_waiting(master_port, epoch);
    EXPECT_TRUE(eventually([&] { return answers_ > before + 1; }));
  }
  // Returns how often it was asked so far.
  int say_without_waiting(int master_port, int epoch) {
    const std::lock_guard lock{mutex_};
    const auto port = std::to_string(master_port);
    const auto number = std::to_string(epoch);
    master_ = "*6\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$4\r\nport\r\n$" + std::to_string(port.size()) + "\r\n" + port +
              "\r\n$12\r\nconfig-epoch\r\n$" + std::to_string(number.size()) + "\r\n" + number + "\r\n";
    return answers_;
  }

 private:
  void serve() {
    boost::asio::ip::tcp::socket client{io_};
    boost::system::error_code error;
    acceptor_.accept(client, error);
    std::string asked;
    while (!error) {
      const auto bytes = boost::asio::read_until(client, boost::asio::dynamic_buffer(asked), "\r\n", error);
      const auto line = asked.substr(0, bytes);
      asked.erase(0, bytes);
      const std::lock_guard lock{mutex_};
      if (line == "PING\r\n") boost::asio::write(client, boost::asio::buffer(std::string{"+PONG\r\n"}), error);
      if (line == "SENTINEL\r\n") {
        boost::asio::write(client, boost::asio::buffer(master_), error);
        ++answers_;
      }
    }
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::mutex mutex_;
  std::string master_ = "*0\r\n";
  std::atomic<int> answers_{0};
  std::thread thread_;
};

// What Redis' sentinels say while they lead a failover; the one who took the old master with it never went on.
TEST(RedisSentinelScripted, FollowsAMasterThatComesAfterItsEpoch) {
  const RedisServer old_master;
  const RedisServer new_master;
  ScriptedSentinel sentinel;
  RedisCaller caller{sentinel.url()};
  sentinel.say(old_master.port(), 1);
  ASSERT_TRUE(caller.is_up_soon());

  sentinel.say(old_master.port(), 2);
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"before"}), "before");
  sentinel.say(new_master.port(), 2);
  EXPECT_TRUE(eventually([&] {
    return caller.text(set_script(), {"k"}, {"after"}) == "after" && new_master.command({"GET", "k"}) == "after\n";
  }));

  // One that lags says the old one with the same epoch.
  sentinel.say(old_master.port(), 2);
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"again"}), "again");
  EXPECT_EQ(new_master.command({"GET", "k"}), "again\n");
}

// The loop stops in the turn in which a failover is heard of.
TEST(RedisSentinelScripted, MayEndWhileItFollowsAFailover) {
  const RedisServer old_master;
  const RedisServer new_master;
  ScriptedSentinel sentinel;
  auto options = RedisCaller::options_of(sentinel.url());
  auto setup = RedisSetup::load(options);
  ASSERT_TRUE(setup);
  LoopThread thread;
  auto counters = std::make_unique<RedisCounters>();
  int lines = 0;
  auto link = thread.on_loop([&] {
    return (*setup)->open(thread.loop(), *counters, [&](ReportLevel, const std::string& line) {
      if (line.find("sentinels' master") != std::string::npos && ++lines == 2) thread.loop().stop();
    });
  });
  sentinel.say(old_master.port(), 1);
  ASSERT_TRUE(eventually([&] { return link->state() == RedisState::up; }));
  sentinel.say_without_waiting(new_master.port(), 2);
  EXPECT_TRUE(eventually([&] { return thread.loop().context().stopped(); }));
  thread.stop();
  link.reset();
  counters.reset();
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
