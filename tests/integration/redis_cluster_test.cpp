// The link to a Redis Cluster: three real nodes, slots that move, a master that dies.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/redis_cluster.h"
#include "base/redis_slot.h"
#include "tests/integration/cursor_replicas.h"
#include "tests/integration/limit_replica.h"
#include "tests/integration/redis_caller.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

const RedisScript& set_script() {
  static const RedisScript script{"redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"};
  return script;
}

class RedisClusterTest : public testing::Test {
 protected:
  explicit RedisClusterTest(int replicas = 0) {
    std::vector<std::string> create{"redis-cli", "--cluster", "create"};
    for (int i = 0; i < 3 * (1 + replicas); ++i) {
      nodes.push_back(std::make_unique<RedisServer>(
          std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port",
                                   std::to_string(free_port()), "--cluster-replica-validity-factor", "0"}));
      create.push_back("127.0.0.1:" + std::to_string(nodes.back()->port()));
    }
    create.insert(create.end(), {"--cluster-replicas", std::to_string(replicas), "--cluster-yes"});
    run(create);
    for (const auto& node : nodes) {
      EXPECT_TRUE(eventually([&] { return node->command({"CLUSTER", "INFO"}).starts_with("cluster_state:ok"); }));
    }
  }

  RedisOptions options() const {
    return RedisCaller::options_of("redis-cluster://127.0.0.1:" + std::to_string(nodes[0]->port()) +
                                   ",127.0.0.1:" + std::to_string(nodes[1]->port()));
  }
  static std::string id_of(const RedisServer& node) {
    std::string id = node.command({"CLUSTER", "MYID"});
    id.pop_back();
    return id;
  }
  // The node that has the slot of a key.
  RedisServer& owner_of(const std::string& key) {
    for (const auto& node : nodes) {
      if (node->command({"GET", key}).find("MOVED") == std::string::npos) return *node;
    }
    ADD_FAILURE() << "nobody has " << key;
    return *nodes[0];
  }

  std::vector<std::unique_ptr<RedisServer>> nodes;
};

TEST_F(RedisClusterTest, FindsTheNodeOfEveryKey) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  for (int i = 0; i < 200; ++i) {
    const std::string key = "tailgate:cursor:{:c" + std::to_string(i) + "}";
    EXPECT_EQ(caller.text(set_script(), {key}, {std::to_string(i)}), std::to_string(i));
    EXPECT_EQ(nodes[0]->command({"CLUSTER", "KEYSLOT", key}), std::to_string(redis_slot(key)) + "\n");
  }
  int used = 0;
  for (const auto& node : nodes) used += node->command({"DBSIZE"}) != "0\n" ? 1 : 0;
  EXPECT_EQ(used, 3);
  EXPECT_EQ(caller.failures(RedisFailure::cluster), 0u);
}

TEST_F(RedisClusterTest, KeepsCursorsWhereverTheyAndTheirIndexLie) {
  RedisReplica replica{options()};
  ASSERT_TRUE(replica.caller().is_up_soon());
  for (int i = 0; i < 50; ++i) {
    const CursorKey of = key("c" + std::to_string(i));
    ASSERT_EQ(text_of(replica.find_room(of)), "none");
    EXPECT_EQ(text_of(replica.move(of, orders({{0, i}}))), "orders=0:" + std::to_string(i) + " g1");
  }
  for (int i = 0; i < 50; ++i) {
    const CursorKey of = key("c" + std::to_string(i));
    EXPECT_EQ(text_of(replica.erase(of)), "none");
    EXPECT_EQ(text_of(replica.move(of, orders({{0, 7}}))), "orders=0:7 g2");
  }
}

TEST_F(RedisClusterTest, SharesLimitsWhereverTheBucketsAndSlotsOfACallerLie) {
  LimitReplica a{options(), "a"};
  LimitReplica b{options(), "b"};
  ASSERT_TRUE(eventually([&] { return b.replicas() == 2; }));
  constexpr TokenRate kHourly{.per_second = 1.0 / 3600, .burst = 6};
  constexpr int kCallers = 15;
  const auto caller = [](int i) { return "c" + std::to_string(i); };
  for (int i = 0; i < kCallers; ++i) {
    EXPECT_EQ(a.take(caller(i), kHourly, 4).granted, 4);
    EXPECT_EQ(b.take(caller(i), kHourly, 4).granted, 2);
    EXPECT_EQ(a.refused_of_many(caller(i), kHourly, 4), 0);
    EXPECT_EQ(b.refused_of_many(caller(i), kHourly, 4), 2);
    EXPECT_TRUE(a.take_slot(caller(i), "a1", 2));
    EXPECT_TRUE(b.take_slot(caller(i), "b1", 2));
    EXPECT_FALSE(a.take_slot(caller(i), "a2", 2));
  }
  for (const auto& node : nodes) {
    for (const auto* kind : {"t:rate:{c", "t:rate:{requests", "t:slots:{c"}) {
      EXPECT_NE(node->command({"KEYS", kind + std::string{"*"}}).find(kind), std::string::npos);
    }
  }
  EXPECT_EQ(a.counters.without_redis.get() + b.counters.without_redis.get(), 0U);

  b.die();
  for (int i = 0; i < kCallers; ++i) {  // as if so much of the lease had passed
    const std::string passed = std::to_string(kSlotLeaseMs - 2'000);
    nodes[0]->command({"-c", "ZINCRBY", "t:slots:{" + caller(i) + "}", "-" + passed, "b1"});
  }
  for (int i = 0; i < kCallers; ++i) {
    ASSERT_TRUE(eventually([&] { return a.take_slot(caller(i), "a2", 2); })) << i;
  }
  LimitReplica c{options(), "c"};
  EXPECT_FALSE(c.take_slot(caller(0), "c1", 2)) << "who lives keeps his";
}

TEST_F(RedisClusterTest, FollowsASlotThatIsOnItsWayAndOneThatHasMoved) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  const std::string key = "{a}1";
  const std::string slot = std::to_string(redis_slot(key));
  ASSERT_EQ(caller.text(set_script(), {key}, {"1"}), "1");
  RedisServer& source = owner_of(key);
  RedisServer& target = &source == nodes[0].get() ? *nodes[1] : *nodes[0];
  target.command({"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(source)});
  source.command({"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(target)});

  // A key that is not there any more, or not yet: ASK, at first for a script that the target does not know.
  EXPECT_EQ(target.command({"SCRIPT", "FLUSH"}), "OK\n");
  EXPECT_EQ(caller.text(set_script(), {"{a}2"}, {"2"}), "2");
  EXPECT_EQ(caller.text(set_script(), {key}, {"3"}), "3");

  source.command({"MIGRATE", "127.0.0.1", std::to_string(target.port()), key, "0", "1000"});
  for (const auto& node : nodes) node->command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(target)});
  EXPECT_EQ(caller.text(set_script(), {key}, {"4"}), "4");  // MOVED
  EXPECT_EQ(target.command({"GET", key}), "4\n");
  EXPECT_EQ(caller.failures(RedisFailure::cluster), 0u);
}

TEST_F(RedisClusterTest, APartThatIsAwayFailsOnlyWhatBelongsToIt) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  for (const auto& node : nodes) node->command({"CONFIG", "SET", "cluster-require-full-coverage", "no"});
  RedisServer& dead = owner_of("{a}");
  RedisServer& other = &dead == nodes[0].get() ? *nodes[1] : *nodes[0];
  std::string alive;
  for (int i = 0; alive.empty(); ++i) {
    const std::string key = "{k" + std::to_string(i) + "}";
    if (&owner_of(key) == &other) alive = key;
  }
  dead.kill_hard();
  EXPECT_TRUE(eventually([&] { return caller.link().state() == RedisState::away; }));
  EXPECT_FALSE(caller.run(set_script(), {"{a}"}, {"1"}));
  EXPECT_EQ(caller.text(set_script(), {alive}, {"1"}), "1");
}

// One that was taken out of the cluster (CLUSTER RESET) and still runs: it knows of nobody, and is asked first.
TEST_F(RedisClusterTest, ANodeThatIsNoLongerPartOfItDoesNotTakeTheOthersAlong) {
  const RedisServer alone{{"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_port())}};
  RedisOptions with_it = options();
  with_it.servers.insert(with_it.servers.begin(), {"0.0.0.0", static_cast<std::uint16_t>(alone.port())});
  RedisCaller caller{with_it};
  const auto works = [&] {
    for (const std::string key : {"{a}", "{b}", "{c}", "{d}", "{e}"}) {
      if (caller.text(set_script(), {key}, {"1"}) != "1") return false;
    }
    return true;
  };
  EXPECT_TRUE(eventually(works));
  caller.thread().forward(RedisCluster::kRefreshMs);  // the map is read again
  for (int i = 0; i < 10; ++i) {
    caller.thread().forward(RedisCluster::kLookMs);
    EXPECT_TRUE(works()) << i;
  }
}

struct RedisClusterFailover : RedisClusterTest {
  RedisClusterFailover() : RedisClusterTest{1} {}
};

TEST_F(RedisClusterFailover, AReplicaThatTookOverIsFound) {
  RedisCaller caller{options()};
  ASSERT_TRUE(caller.is_up_soon());
  ASSERT_EQ(caller.text(set_script(), {"{a}"}, {"1"}), "1");
  RedisServer* master = nullptr;
  for (const auto& node : nodes) {
    const bool is_master = node->command({"ROLE"}).starts_with("master");
    if (is_master && node->command({"GET", "{a}"}).find("MOVED") == std::string::npos) master = node.get();
  }
  ASSERT_NE(master, nullptr);
  master->kill_hard();
  EXPECT_TRUE(eventually([&] { return caller.text(set_script(), {"{a}"}, {"2"}) == "2"; }));
  EXPECT_TRUE(caller.is_up_soon());
}

}  // namespace
}  // namespace tailgate::test
