// The fixtures themselves, against a real Kafka and a real Redis.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "tests/support/free_port.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

TEST(Fixtures, KafkaKeepsWhatIsProducedAndTransactionsLeaveHoles) {
  KafkaAdmin admin{shared_kafka()};
  const auto topic = admin.make_topic("fixtures", {.partitions = 2});

  Producer plain{shared_kafka(), "", {{"compression.type", "zstd"}}};
  const auto offsets =
      plain.send(topic, 1, {{"a", "k", {{"h", "1"}, {"none", std::nullopt}}}, {std::nullopt, "k"}, {""}});
  EXPECT_EQ(offsets, (std::vector<std::int64_t>{0, 1, 2}));

  Producer transactional{shared_kafka(), topic};
  transactional.begin();
  EXPECT_EQ(transactional.send(topic, 1, {"aborted"}), 3);
  transactional.abort();
  transactional.begin();
  EXPECT_EQ(transactional.send(topic, 1, {"committed"}), 5);
  transactional.commit();
  EXPECT_EQ(admin.ends(topic, 1).end, 7);
  EXPECT_EQ(admin.ends(topic, 0).end, 0);
}

TEST(Fixtures, TopicsGrowLoseRecordsAndGo) {
  KafkaAdmin admin{shared_kafka()};
  const auto topic = admin.make_topic("fixtures");
  Producer producer{shared_kafka()};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(producer.send(topic, 0, {"x"}), i);

  admin.delete_records(topic, 0, 3);
  EXPECT_EQ(admin.ends(topic, 0).begin, 3);
  admin.set_partitions(topic, 3);
  EXPECT_EQ(producer.send(topic, 2, {"x"}), 0);
  admin.set_config(topic, {{"retention.bytes", "1"}, {"segment.bytes", "1048576"}});
  admin.delete_topic(topic);
  EXPECT_EQ(admin.leader(topic, 0), -1);
}

TEST(Fixtures, ABrokerThatIsKilledComesBackWithItsRecords) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("fixtures");
  Producer producer{kafka.bootstrap()};
  EXPECT_EQ(producer.send(topic, 0, {"before"}), 0);
  kafka.kill_hard(1);
  kafka.start(1);
  EXPECT_EQ(producer.send(topic, 0, {"after"}), 1);
}

TEST(Fixtures, ThreeBrokersKeepATopicWhenItsLeaderDies) {
  KafkaCluster kafka{{.brokers = 3}};
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("fixtures", {.replication = 3, .config = {{"min.insync.replicas", "1"}}});
  Producer producer{kafka.bootstrap()};
  EXPECT_EQ(producer.send(topic, 0, {"before"}), 0);

  const int leader = admin.leader(topic, 0);
  kafka.kill_hard(leader);
  EXPECT_TRUE(eventually([&] { return admin.leader(topic, 0) > 0 && admin.leader(topic, 0) != leader; }));
  EXPECT_EQ(producer.send(topic, 0, {"after"}), 1);
}

TEST(Fixtures, ASecureBrokerTakesTheRightPasswordAndRefusesATopicByRule) {
  KafkaCluster kafka{{.secure = true}};
  KafkaAdmin admin{kafka.bootstrap()};
  admin.create_topic("open");
  admin.create_topic("closed");
  admin.deny("closed", kSecureUser);

  Producer allowed{kafka.secure_bootstrap(), "", kafka.secure_properties()};
  EXPECT_EQ(allowed.send("open", 0, {"x"}), 0);
  EXPECT_THROW(allowed.send("closed", 0, {"x"}), std::runtime_error);
  const KafkaClient refused{RD_KAFKA_PRODUCER, [&] {
                              auto properties = kafka.secure_properties("wrong");
                              properties["bootstrap.servers"] = kafka.secure_bootstrap();
                              return properties;
                            }()};
  EXPECT_EQ(refused.metadata("open", std::chrono::seconds{2}), nullptr);
}

TEST(Fixtures, RedisAnswersAndComesBackOnItsPort) {
  RedisServer redis;
  EXPECT_EQ(redis.command({"SET", "a", "1"}), "OK\n");
  redis.kill_hard();
  redis.start();
  EXPECT_EQ(redis.command({"GET", "a"}), "\n");
}

TEST(Fixtures, AProcessEndsWithItsObjectAndSaysWhatItEndedWith) {
  const TempDir folder;
  pid_t pid = 0;
  {
    Process sleeper{{"sleep", "600"}, folder / "output"};
    pid = sleeper.pid();
    EXPECT_TRUE(sleeper.is_running());
  }
  EXPECT_TRUE(kill(pid, 0) < 0 && errno == ESRCH);
  Process failing{{"sh", "-c", "echo said; exit 3"}, folder / "output"};
  EXPECT_EQ(failing.wait(), 3);
  EXPECT_EQ(read_file(folder / "output"), "said\n");
  Process missing{{"no-such-program"}, folder / "missing"};
  EXPECT_EQ(missing.wait(), 127);
}

TEST(Fixtures, FreePortsAreNotGivenTwice) { EXPECT_NE(free_port(), free_port()); }

}  // namespace
}  // namespace tailgate::test
