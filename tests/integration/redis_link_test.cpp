// The link to a single Redis: real servers, and everything that they can do wrong.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/redis_node.h"
#include "base/redis_wire.h"
#include "tests/integration/redis_caller.h"
#include "tests/support/certificates.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

const RedisScript& set_script() {
  static const RedisScript script{"redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"};
  return script;
}
const RedisScript& read_script() {
  static const RedisScript script{"return redis.call('GET', KEYS[1])"};
  return script;
}
// What the test wants Redis to answer.
const RedisScript& error_script() {
  static const RedisScript script{"return redis.error_reply(ARGV[1])"};
  return script;
}

TEST(RedisLink, RunsAScriptThatTheServerDoesNotKnowYetAndOneThatItHasForgotten) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  EXPECT_EQ(redis.command({"SCRIPT", "FLUSH"}), "OK\n");
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"2"}), "2");
  EXPECT_EQ(redis.command({"SCRIPT", "EXISTS", set_script().sha()}), "1\n");
  EXPECT_EQ(redis.command({"GET", "k"}), "2\n");
  EXPECT_EQ(caller.counters().calls.get(), 2u);
  ASSERT_EQ(caller.lines().size(), 1u);
  EXPECT_EQ(caller.lines()[0], "Redis at 127.0.0.1:" + std::to_string(redis.port()) + " is up");
}

TEST(RedisLink, GivesBackEveryKindOfReplyByteForByte) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  const RedisScript script{
      "return {ARGV[1], 9007199254740993, -5, false, {1, {2, {'deep'}}}, redis.status_reply('FINE'), ''}"};
  const std::string bytes{"\0\r\n\xff$1", 6};
  const RedisAnswer answer = caller.run(script, {"k"}, {bytes});
  ASSERT_TRUE(answer) << answer.error().detail;
  ASSERT_EQ(answer->items.size(), 7u);
  EXPECT_TRUE(answer->items[0].is_text(bytes));
  EXPECT_EQ(answer->items[2].integer, -5);
  EXPECT_EQ(answer->items[3].kind, RedisReply::Kind::nil);
  EXPECT_EQ(answer->items[4].items[1].items[1].items[0].text, "deep");
  EXPECT_TRUE(answer->items[5].is_text("FINE"));
  EXPECT_TRUE(answer->items[6].is_text(""));
}

TEST(RedisLink, ManyCallsInOneTurnShareTheConnectionAndKeepTheirOrder) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  ASSERT_TRUE(caller.is_up_soon());
  constexpr std::size_t kCalls = 500;
  std::vector<Ask<RedisAnswer>> asks;
  std::vector<std::string> answers;
  caller.thread().on_loop([&] {
    for (std::size_t i = 0; i < kCalls; ++i) {
      asks.push_back(caller.link().run({set_script(), {"k"}, {std::to_string(i)}}, [&](const RedisAnswer& answer) {
        answers.push_back(answer ? answer->text : answer.error().detail);
      }));
    }
  });
  const auto answered = [&] { return caller.thread().on_loop([&] { return answers.size(); }); };
  EXPECT_TRUE(eventually([&] { return answered() == kCalls; }));
  EXPECT_EQ(caller.counters().connects.get(), 1u);
  caller.thread().on_loop([&] {
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i], std::to_string(i));
    asks.clear();
  });
}

TEST(RedisLink, AnAskerThatIsGoneIsNotAnswered) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  bool is_answered = false;
  caller.thread().on_loop([&] {
    auto ask = caller.link().run({set_script(), {"k"}, {"1"}}, [&](const RedisAnswer&) { is_answered = true; });
    ask.cancel();
  });
  EXPECT_EQ(caller.text(read_script()), "1");  // behind it, so that one had its reply
  EXPECT_FALSE(caller.thread().on_loop([&] { return is_answered; }));
}

TEST(RedisLink, RefusesWhatIsMoreThanTheQueueTakes) {
  RedisOptions options = RedisCaller::options_of("redis://127.0.0.1:" + std::to_string(free_port()));
  options.queue_max = 10;
  options.deadline_ms = 500;
  RedisCaller caller{options};
  std::vector<Ask<RedisAnswer>> asks;
  caller.thread().on_loop([&] {
    for (int i = 0; i < 15; ++i)
      asks.push_back(caller.link().run({read_script(), {"k"}, {}}, [](const RedisAnswer&) {}));
  });
  EXPECT_TRUE(eventually([&] { return caller.counters().waiting.get() == 0; }));
  EXPECT_EQ(caller.failures(RedisFailure::full), 5u);
  caller.thread().on_loop([&] { asks.clear(); });
}

TEST(RedisLink, ARedisThatSaysNothingCostsEachCallItsDeadlineUntilTheBreakerOpens) {
  RedisServer redis;
  RedisOptions options = RedisCaller::options_of(redis.url());
  options.deadline_ms = 100;
  RedisCaller caller{options};
  ASSERT_TRUE(caller.is_up_soon());
  ASSERT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"1"}) == "1"; }));

  redis.pause();
  const auto begin = Clock::now();
  EXPECT_TRUE(eventually([&] {
    const RedisAnswer answer = caller.run(read_script(), {"k"});
    EXPECT_FALSE(answer);
    return caller.failures(RedisFailure::breaker) > 0;
  }));
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds{80});
  EXPECT_EQ(caller.counters().breaker_opens.get(), 1u);
  EXPECT_EQ(caller.counters().is_breaker_open.get(), 1u);
  EXPECT_EQ(caller.link().state(), RedisState::away);
  EXPECT_GE(caller.failures(RedisFailure::timeout), 1u);

  // Refused at once: a thousand calls take less than the deadlines of twenty would.
  const auto refused = Clock::now();
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(caller.run(read_script(), {"k"}));
  EXPECT_LT(Clock::now() - refused, std::chrono::seconds{2});

  redis.resume();
  EXPECT_TRUE(caller.is_up_soon());
  EXPECT_TRUE(eventually([&] { return caller.text(read_script()) == "1"; }));
  EXPECT_EQ(caller.counters().is_breaker_open.get(), 0u);
}

// What a cluster and sentinels are asked for themselves has a second.
TEST(RedisNode, ADeadlineHoldsBehindALongerOne) {
  struct Nobody final : RedisNodeWatch {
    void on_up(RedisNode&) override {}
    void on_down(RedisNode&, RedisFailure, const std::string&) override {}
  } nobody;
  RedisServer redis;
  const RedisOptions options = RedisCaller::options_of(redis.url());
  RedisCounters counters;
  LoopThread thread;
  std::unique_ptr<RedisNode> node = thread.on_loop([&] {
    return std::make_unique<RedisNode>(thread.loop(), options.servers.front(), options, RedisGreeting{}, nullptr,
                                       nobody, counters);
  });
  ASSERT_TRUE(eventually([&] { return thread.on_loop([&] { return node->is_up(); }); }));
  redis.pause();
  std::promise<Clock::time_point> failed;
  const auto begin = Clock::now();
  thread.on_loop([&] {
    std::string ping;
    append_redis_command(ping, {"PING"});
    node->send(ping, begin + std::chrono::seconds{10}, [](const RedisNode::Outcome&) {});
    node->send(ping, begin + std::chrono::milliseconds{50},
               [&](const RedisNode::Outcome&) { failed.set_value(Clock::now()); });
  });
  EXPECT_LT(failed.get_future().get() - begin, std::chrono::seconds{5});
  redis.resume();
  thread.on_loop([&] { node.reset(); });
}

TEST(RedisLink, IdleOrNotItKnowsThatRedisIsAwayAndThatItIsBack) {
  RedisServer redis;
  RedisCaller caller{redis.url()};
  ASSERT_TRUE(caller.is_up_soon());
  redis.kill_hard();
  EXPECT_TRUE(eventually([&] { return caller.link().state() == RedisState::away; }));
  EXPECT_FALSE(caller.run(read_script(), {"k"}));
  redis.start();
  EXPECT_TRUE(caller.is_up_soon());
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"new"}), "new");
  const auto lines = caller.lines();
  ASSERT_GE(lines.size(), 3u);
  EXPECT_NE(lines[1].find("is away"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("is up"), std::string::npos) << lines[2];

  redis.pause();  // nobody asks anything
  EXPECT_TRUE(eventually([&] { return caller.link().state() == RedisState::away; }));
  redis.resume();
  EXPECT_TRUE(caller.is_up_soon());
}

TEST(RedisLink, WaitsForAReplyWithoutLookingAtItsClockAllTheTime) {
  RedisServer redis;
  RedisCaller caller{redis.url()};  // of two seconds
  ASSERT_TRUE(caller.is_up_soon());
  const auto cpu = [&] {
    return caller.thread().on_loop([] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
    });
  };
  const auto before = cpu();
  redis.pause();
  EXPECT_TRUE(eventually([&] { return caller.link().state() == RedisState::away; }));
  EXPECT_LT(cpu() - before, std::chrono::milliseconds{300});
  redis.resume();
}

TEST(RedisLink, SaysOnceAMinuteThatRedisIsStillAway) {
  RedisServer redis;
  RedisCaller caller{redis.url()};
  ASSERT_TRUE(caller.is_up_soon());
  redis.kill_hard();
  ASSERT_TRUE(eventually([&] { return caller.lines().size() == 2; }));
  const std::string away = caller.lines()[1];
  caller.thread().forward(60'000);
  ASSERT_EQ(caller.lines().size(), 3U);
  EXPECT_TRUE(caller.lines()[2].starts_with(away + " (for 6")) << caller.lines()[2];
  caller.thread().forward(50'000);
  redis.start();
  ASSERT_TRUE(caller.is_up_soon());
  caller.thread().forward(60'000);

  const auto lines = caller.lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[3], "Redis at 127.0.0.1:" + std::to_string(redis.port()) + " is up");
  using enum ReportLevel;
  EXPECT_EQ(caller.levels(), (std::vector{info, warning, warning, info}));
}

TEST(RedisLink, StartsWithoutRedisAndFindsItLater) {
  RedisServer redis;
  redis.kill_hard();
  RedisCaller caller{redis.url()};
  EXPECT_FALSE(caller.run(read_script(), {"k"}));
  redis.start();
  EXPECT_TRUE(caller.is_up_soon());
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"1"}) == "1"; }));
}

TEST(RedisLink, TellsEveryErrorReplyByItsKindAndGoesOn) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  const std::vector<std::pair<std::string, RedisFailure>> errors{
      {"LOADING Redis is loading the dataset in memory", RedisFailure::loading},
      {"MASTERDOWN Link with MASTER is down", RedisFailure::loading},
      {"READONLY You can't write against a read only replica.", RedisFailure::readonly},
      {"MISCONF Redis is configured to save RDB snapshots", RedisFailure::misconf},
      {"OOM command not allowed when used memory > 'maxmemory'.", RedisFailure::out_of_memory},
      {"BUSY Redis is busy running a script.", RedisFailure::busy},
      {"MOVED 3999 127.0.0.1:6381", RedisFailure::cluster},
      {"ASK 3999 127.0.0.1:6381", RedisFailure::cluster},
      {"CLUSTERDOWN The cluster is down", RedisFailure::cluster},
      {"TRYAGAIN Multiple keys request during rehashing of slot", RedisFailure::cluster},
      {"NOAUTH Authentication required.", RedisFailure::auth},
      {"NOPERM this user has no permissions", RedisFailure::auth},
      {"WRONGTYPE Operation against a key", RedisFailure::wrong_type},
      {"NOREPLICAS Not enough good replicas to write.", RedisFailure::no_replicas},
      {"NOSCRIPT No matching script.", RedisFailure::script},  // of EVAL: then it is not about the script
      {"ERR something else", RedisFailure::script},
      // What scripts meet in Redis 6.2.
      {"ERR Error running script (call to f_0a1b): @user_script:9: @user_script: 9: -READONLY You can't write against "
       "a read only replica.",
       RedisFailure::readonly},
      {"ERR Error running script (call to f_0a1b): @user_script:9: @user_script: 9: -OOM command not allowed when used "
       "memory > 'maxmemory'.",
       RedisFailure::out_of_memory},
      {"ERR Error running script (call to f_0a1b): @user_script:9: WRONGTYPE Operation against a key holding the wrong "
       "kind of value",
       RedisFailure::wrong_type},
      {"ERR Error running script (call to f_0a1b): @user_script:9: @user_script: 9: Script attempted to access a "
       "non local key in a cluster node",
       RedisFailure::script},
      {"", RedisFailure::script},
  };
  for (const auto& [error, failure] : errors) {
    // A server that is no master, or that lets nobody in, is left for a new connection first.
    ASSERT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"1"}) == "1"; })) << error;
    const auto before = caller.failures(failure);
    const RedisAnswer answer = caller.run(error_script(), {"k"}, {error});
    ASSERT_FALSE(answer) << error;
    EXPECT_EQ(answer.error().code, ErrorCode::upstream_down);
    EXPECT_EQ(caller.failures(failure), before + 1) << error << ": " << answer.error().detail;
  }
}

class RedisThatStaysAReplica : public testing::Test {
 protected:
  RedisThatStaysAReplica() {
    EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
    redis.command({"REPLICAOF", "127.0.0.1", std::to_string(free_port())});
  }
  // In the four seconds in which somebody calls again and again.
  std::uint64_t connects_during(const std::function<void()>& call) {
    const auto before = caller.counters().connects.get();
    const auto begin = Clock::now();
    while (Clock::now() - begin < std::chrono::seconds{4}) call();
    return caller.counters().connects.get() - before;
  }
  bool serves_as_master() {
    redis.command({"REPLICAOF", "NO", "ONE"});
    return eventually([&] { return caller.text(set_script(), {"k"}, {"3"}) == "3"; });
  }

  RedisServer redis;
  RedisCaller caller{redis.url()};
};

// A name that leads to a replica, until somebody changes that: connections and TLS handshakes of every thread of every
// server of ours would keep it from its work.
TEST_F(RedisThatStaysAReplica, IsAskedLessAndLessOften) {
  EXPECT_LE(connects_during([&] { EXPECT_FALSE(caller.run(set_script(), {"k"}, {"2"})); }), 15U);
  EXPECT_TRUE(serves_as_master());
}

// What reads, or finds nothing to write, is answered by a replica too.
TEST_F(RedisThatStaysAReplica, IsAskedLessAndLessOftenThoughItAnswersSomeScripts) {
  int reads = 0;
  const auto connects = connects_during([&] {
    reads += caller.run(read_script(), {"k"}, {}) ? 1 : 0;
    EXPECT_FALSE(caller.run(set_script(), {"k"}, {"2"}));
  });
  EXPECT_GT(reads, 0);
  EXPECT_LE(connects, 15U);
  EXPECT_TRUE(serves_as_master());
}

TEST(RedisLink, LogsWhatIsRefusedOnceAMinute) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  ASSERT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  const auto before = caller.lines().size();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(caller.run(error_script(), {"k"}, {"OOM command not allowed"}));
    EXPECT_FALSE(caller.run(error_script(), {"k"}, {"ERR " + std::string(1'000, 'x')}));
  }
  const auto lines = caller.lines();
  ASSERT_EQ(lines.size(), before + 2);
  EXPECT_NE(lines[before].find("Redis refuses (out_of_memory): OOM command not allowed"), std::string::npos)
      << lines[before];
  EXPECT_NE(lines[before + 1].find("Redis refuses (script): ERR xxx"), std::string::npos) << lines[before + 1];
  EXPECT_LT(lines[before + 1].size(), 300U);

  caller.thread().forward(60'000);
  EXPECT_FALSE(caller.run(error_script(), {"k"}, {"OOM again"}));
  EXPECT_EQ(caller.lines().back(), "Redis refuses (out_of_memory): OOM again (and 2 more of this kind)");
}

TEST(RedisLink, TellsWhatRealServersRefuse) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  ASSERT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  const auto refusal = [&](const std::string& name, const std::string& value, const std::string& normal) {
    redis.command({"CONFIG", "SET", name, value});
    std::string said = caller.text(set_script(), {"k"}, {"2"});
    redis.command({"CONFIG", "SET", name, normal});
    return said;
  };
  EXPECT_EQ(refusal("maxmemory", "1", "0").substr(0, 20), "Redis: out_of_memory");
  EXPECT_EQ(refusal("min-replicas-to-write", "1", "0").substr(0, 18), "Redis: no_replicas");
  redis.command({"LPUSH", "list", "x"});
  EXPECT_EQ(caller.text(read_script(), {"list"}).substr(0, 17), "Redis: wrong_type");
  redis.command({"REPLICAOF", "127.0.0.1", std::to_string(free_port())});
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"2"}).substr(0, 15), "Redis: readonly");
  redis.command({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"3"}) == "3"; }));
}

TEST(RedisLink, EntersWithUserPasswordAndDatabase) {
  const RedisServer redis;
  redis.command({"ACL", "SETUSER", "tail", "on", ">p@ss:w/rd", "~*", "+@all"});
  redis.command({"ACL", "SETUSER", "default", "off"});
  RedisCaller caller{"redis://tail:p%40ss%3Aw%2Frd@127.0.0.1:" + std::to_string(redis.port()) + "/3"};
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  const RedisScript database{"return redis.call('SELECT', 0) and redis.call('GET', KEYS[1])"};
  EXPECT_EQ(caller.text(database), "");

  RedisCaller wrong{"redis://tail:wrong@127.0.0.1:" + std::to_string(redis.port())};
  EXPECT_TRUE(eventually([&] { return wrong.link().state() == RedisState::away; }));
  EXPECT_FALSE(wrong.run(read_script(), {"k"}));
  ASSERT_FALSE(wrong.lines().empty());
  EXPECT_NE(wrong.lines()[0].find("AUTH was refused: WRONGPASS"), std::string::npos) << wrong.lines()[0];
  EXPECT_EQ(wrong.lines()[0].find("wrong"), std::string::npos) << wrong.lines()[0];
}

class RedisTls : public testing::Test {
 protected:
  RedisTls() : server{authority.issue("localhost")} {}
  std::vector<std::string> flags(const std::string& auth_clients) const {
    return {"--tls-port", std::to_string(port), "--tls-cert-file",   server.certificate,   "--tls-key-file",
            server.key,   "--tls-ca-cert-file", authority.ca_file(), "--tls-auth-clients", auth_clients};
  }
  RedisOptions options(const std::string& host) const {
    RedisOptions made = RedisCaller::options_of("rediss://" + host + ":" + std::to_string(port));
    made.ca_file = authority.ca_file();
    made.connect_ms = 10'000;
    return made;
  }
  static std::string why_away(const RedisOptions& options) {
    RedisCaller caller{options};
    EXPECT_TRUE(eventually([&] { return !caller.lines().empty(); }));
    return caller.lines().at(0);
  }

  CertificateAuthority authority;
  CertificateAuthority::Files server;
  const int port = free_port();
};

TEST_F(RedisTls, TakesTheServerThatTheAuthorityHasSignedByItsName) {
  const RedisServer redis{flags("no")};
  RedisCaller caller{options("localhost")};
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
  EXPECT_EQ(caller.text(set_script(), {"k"}, {std::string(300'000, 'x')}).size(), 300'000u);

  EXPECT_NE(why_away(options("127.0.0.1")).find("certificate verify failed"), std::string::npos);
  const CertificateAuthority other;
  RedisOptions distrusting = options("localhost");
  distrusting.ca_file = other.ca_file();
  EXPECT_NE(why_away(distrusting).find("certificate verify failed"), std::string::npos);
  distrusting.ca_file = "";
  EXPECT_NE(why_away(distrusting).find("certificate verify failed"), std::string::npos);
}

TEST_F(RedisTls, ShowsItsOwnCertificateWhereItIsAsked) {
  const RedisServer redis{flags("yes")};
  RedisCaller without{options("localhost")};
  EXPECT_FALSE(without.run(set_script(), {"k"}, {"1"}));
  RedisOptions with = options("localhost");
  const auto own = authority.issue("client");
  with.cert_file = own.certificate;
  with.key_file = own.key;
  RedisCaller caller{with};
  EXPECT_EQ(caller.text(set_script(), {"k"}, {"1"}), "1");
}

TEST_F(RedisTls, FilesThatAreNoneEndTheStart) {
  RedisOptions wrong = options("localhost");
  wrong.ca_file = "/dev/null";
  EXPECT_EQ(RedisSetup::load(wrong).error().code, ErrorCode::bad_config);
  wrong = options("localhost");
  wrong.cert_file = server.certificate;
  wrong.key_file = "/no/such/file";
  EXPECT_NE(RedisSetup::load(wrong).error().detail.find("/no/such/file"), std::string::npos);
}

TEST(RedisLink, ReachesAUnixSocketAndAName) {
  const TempDir folder;
  const std::string path = folder / "redis.sock";
  const RedisServer redis{{"--unixsocket", path}};
  RedisCaller by_socket{"unix:" + path};
  EXPECT_EQ(by_socket.text(set_script(), {"k"}, {"1"}), "1");
  RedisCaller by_name{"redis://localhost:" + std::to_string(redis.port())};
  EXPECT_TRUE(by_name.is_up_soon());
  EXPECT_TRUE(eventually([&] { return by_name.text(read_script()) == "1"; }));
  RedisCaller nowhere{"redis://no-such-host.invalid"};
  EXPECT_TRUE(eventually([&] { return nowhere.link().state() == RedisState::away; }));
}

TEST(RedisLink, AReplyThatIsTooLargeOrTooDeepEndsTheConnectionAndNotMore) {
  const RedisServer redis;
  RedisOptions options = RedisCaller::options_of(redis.url());
  options.deadline_ms = 5'000;
  RedisCaller caller{options};
  const RedisScript large{"return string.rep('x', 2 * 1024 * 1024)"};
  const RedisScript deep{"local t = {} for i = 1, 20 do t = {t} end return t"};
  EXPECT_EQ(caller.text(large).substr(0, 15), "Redis: protocol");
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"1"}) == "1"; }));
  EXPECT_EQ(caller.text(deep).substr(0, 15), "Redis: protocol");
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"k"}, {"1"}) == "1"; }));
}

TEST(RedisLink, WaitsForReplicasWhereItIsAsked) {
  const RedisServer redis;
  RedisCaller caller{redis.url()};
  const RedisAnswer alone = caller.run(set_script(), {"k"}, {"1"}, 1);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().detail, "Redis: no_replicas: 0 of 1 replicas confirmed");
  const RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(redis.port())}};
  EXPECT_TRUE(eventually([&] { return replica.command({"ROLE"}).find("connected") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return caller.run(set_script(), {"k"}, {"2"}, 1).has_value(); }));
  EXPECT_EQ(replica.command({"GET", "k"}), "2\n");
}

}  // namespace
}  // namespace tailgate::test
