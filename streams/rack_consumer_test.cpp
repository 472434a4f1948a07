#include "streams/rack_consumer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "streams/scripted/kafka_side_test.h"

namespace tailgate {
namespace {

class RackConsumerTest : public scripted::KafkaSideTest, public ConsumerEvents {
 protected:
  RackConsumerTest() {
    auto near_owner = std::make_unique<scripted::ScriptedConsumer>();
    near = near_owner.get();
    const auto open_leaders = [this] {
      auto owner = std::make_unique<scripted::ScriptedConsumer>();
      leaders = owner.get();
      return owner;
    };
    rack.emplace(std::move(near_owner), open_leaders, catalog, own, clock, reports, RackOptions{});
  }
  bool step() override { return rack->poll(*this, 100) > 0; }
  void leader_has(Offset readable) { catalog.known[partition] = {0, readable, readable}; }
  bool is_read_near() const { return near->started.contains(partition); }
  bool is_read_from_its_leader() const { return leaders != nullptr && leaders->started.contains(partition); }

  void on_record(const TopicPartition&, const RecordView& record) override { records.push_back(record.offset); }
  void on_end(const TopicPartition&, Offset next) override { ends.push_back(next); }
  void on_out_of_range(const TopicPartition&, Offset asked) override { out_of_range.push_back(asked); }
  void on_error(const TopicPartition&, const std::string& text) override { errors.push_back(text); }

  scripted::ScriptedConsumer* near = nullptr;
  scripted::ScriptedConsumer* leaders = nullptr;  // null until they are asked
  std::optional<RackConsumer> rack;
  std::vector<Offset> records;
  std::vector<Offset> ends;
  std::vector<Offset> out_of_range;
  std::vector<std::string> errors;
};

TEST_F(RackConsumerTest, AFollowerThatGivesWhatItsLeaderHasIsReadForEver) {
  leader_has(10);
  rack->start(partition, 10);
  for (Offset next = 10; next < 600; ++next) {  // ten minutes
    near->record(partition, next);
    near->end(partition, next + 1);
    leader_has(next + 2);  // there is always one more on its way
    pass(1'000);
  }

  EXPECT_EQ(records.size(), 590U);
  EXPECT_EQ(leaders, nullptr);
}

TEST_F(RackConsumerTest, APartitionWithoutNewsIsReadNearForEver) {
  leader_has(10);
  rack->start(partition, 10);
  near->end(partition, 10);
  pass(600'000);

  EXPECT_EQ(leaders, nullptr);
  EXPECT_TRUE(is_read_near());
}

TEST_F(RackConsumerTest, AFollowerThatFallsSilentIsLeftForTheLeaderAtTheNextOffset) {
  leader_has(20);
  rack->start(partition, 10);
  near->records(partition, 10, 12);
  settle();
  ASSERT_EQ(records, (std::vector<Offset>{10, 11, 12}));

  pass(8'000);
  EXPECT_FALSE(is_read_near());
  ASSERT_TRUE(is_read_from_its_leader());
  EXPECT_EQ(leaders->started.at(partition), 13);
  leaders->records(partition, 13, 19);
  leaders->end(partition, 20);
  settle();
  EXPECT_EQ(records.size(), 10U);
  EXPECT_EQ(records.back(), 19);
  EXPECT_EQ(ends, (std::vector<Offset>{20}));
  EXPECT_EQ(reports.counts().at("follower"), 1U);
}

TEST_F(RackConsumerTest, ARecordBehindALongSilenceIsMissedAfterTwoLooks) {
  leader_has(10);
  rack->start(partition, 10);
  near->end(partition, 10);
  pass(60'000);
  leader_has(11);
  pass(4'100);

  EXPECT_TRUE(is_read_from_its_leader());
}

TEST_F(RackConsumerTest, WhatTheLeaderHasOnlyNowIsWaitedFor) {
  leader_has(10);
  catalog.answers_at_once = false;
  rack->start(partition, 10);
  pass(3'900);  // asked after two seconds
  ASSERT_EQ(catalog.asked.size(), 1U);
  leader_has(11);
  catalog.asked.back().reply(catalog.known);
  pass(1'000);

  EXPECT_TRUE(is_read_near());
  near->record(partition, 10);
  pass(10'000);
  EXPECT_TRUE(is_read_near());
}

TEST_F(RackConsumerTest, NothingIsMovedWhileNoLeaderAnswers) {
  leader_has(20);
  rack->start(partition, 10);
  catalog.is_down = true;
  pass(60'000);

  EXPECT_TRUE(is_read_near());
  EXPECT_EQ(leaders, nullptr);
}

TEST_F(RackConsumerTest, AfterAWhileTheFollowerIsTriedAgainAtTheNextOffset) {
  leader_has(20);
  rack->start(partition, 10);
  pass(8'000);
  ASSERT_TRUE(is_read_from_its_leader());
  leaders->records(partition, 10, 19);
  leaders->end(partition, 20);
  pass(300'000);

  EXPECT_FALSE(is_read_from_its_leader());
  ASSERT_TRUE(is_read_near());
  EXPECT_EQ(near->started.at(partition), 20);
  pass(60'000);
  EXPECT_TRUE(is_read_near());
  EXPECT_EQ(records.size(), 10U);
}

TEST_F(RackConsumerTest, WhoeverReadsAPartitionWhoseFollowerWasLeftBeginsAtItsLeader) {
  leader_has(20);
  rack->start(partition, 10);
  pass(8'000);
  rack->stop(partition);
  EXPECT_FALSE(is_read_from_its_leader());

  pass(60'000);
  rack->start(partition, 5);
  EXPECT_EQ(leaders->started.at(partition), 5);
  rack->stop(partition);
  pass(300'000);
  rack->start(partition, 5);
  EXPECT_EQ(near->started.at(partition), 5);
}

// History stops where a follower says that its log ends, and is back when somebody asks for more.
TEST_F(RackConsumerTest, AFollowerThatIsBehindIsLeftEvenIfItIsAskedForMomentsOnly) {
  leader_has(20);
  for (int i = 0; i < 10; ++i) {
    rack->start(partition, 10);
    if (is_read_from_its_leader()) break;
    near->end(partition, 10);
    settle();
    rack->stop(partition);
    pass(1'000);
  }

  EXPECT_TRUE(is_read_from_its_leader());
}

TEST_F(RackConsumerTest, WhoStopsBeforeTheEndHasMissedNothing) {
  leader_has(1'000);
  for (int i = 0; i < 20; ++i) {
    rack->start(partition, 10);
    near->records(partition, 10, 19);
    settle();
    rack->stop(partition);
    pass(3'000);
  }

  EXPECT_EQ(leaders, nullptr);
}

TEST_F(RackConsumerTest, WhatIsKnownOfALogIsForgottenWhenItIsReadElsewhere) {
  leader_has(100);
  rack->start(partition, 100);
  near->end(partition, 100);
  pass(10'000);
  rack->stop(partition);
  leader_has(3);  // made anew
  rack->start(partition, 3);
  pass(60'000);

  EXPECT_TRUE(is_read_near());
}

TEST_F(RackConsumerTest, OfVeryManySilentPartitionsAFewAreAskedAboutAtATimeAndAllHaveTheirTurn) {
  constexpr int kPartitions = 1'000;
  for (int i = 0; i < kPartitions; ++i) {
    const TopicPartition one{"many", i};
    catalog.known[one] = {0, 10, 10};
    rack->start(one, 10);
  }
  leader_has(10);
  rack->start(partition, 10);
  pass(20'000);
  near->record(partition, 10);  // this one is silent for the shortest time
  pass(2'000);
  leader_has(20);
  const auto asked_before = catalog.asked.size();
  pass(4'100);
  EXPECT_TRUE(is_read_from_its_leader());
  EXPECT_LE(catalog.asked.size() - asked_before, 3U * RackOptions{}.asks_max);

  pass(60'000);
  for (const int one : {0, kPartitions / 2, kPartitions - 1}) {
    catalog.known[TopicPartition{"many", one}] = {0, 20, 20};
    pass(14'100);  // as many looks as all have their turn in, and one more
    EXPECT_TRUE(leaders->started.contains(TopicPartition{"many", one})) << one;
  }
  for (int i = 0; i < kPartitions; ++i) catalog.known[TopicPartition{"many", i}] = {0, 20, 20};
  pass(14'100);
  EXPECT_TRUE(near->started.empty());
  EXPECT_EQ(leaders->started.size(), kPartitions + 1U);
}

TEST_F(RackConsumerTest, AnOffsetThatTheFollowerDoesNotHaveIsAskedOfTheLeader) {
  rack->start(partition, 15);
  near->out_of_range(partition, 15);
  settle();

  EXPECT_TRUE(out_of_range.empty());
  ASSERT_TRUE(is_read_from_its_leader());
  EXPECT_EQ(leaders->started.at(partition), 15);
  leaders->record(partition, 15);
  pass(60'000);
  EXPECT_EQ(records, (std::vector<Offset>{15}));
  EXPECT_TRUE(is_read_from_its_leader()) << "the follower is behind";
  leaders->out_of_range(partition, 16);
  settle();
  EXPECT_EQ(out_of_range, (std::vector<Offset>{16}));
  rack->start(partition, 16);
  EXPECT_TRUE(is_read_from_its_leader()) << "and still is";
}

TEST_F(RackConsumerTest, AnOffsetThatTheLeaderDoesNotHaveEitherSaysNothingAboutTheFollower) {
  rack->start(partition, 15);
  near->out_of_range(partition, 15);
  settle();
  leaders->out_of_range(partition, 15);
  settle();

  EXPECT_EQ(out_of_range, (std::vector<Offset>{15}));
  rack->start(partition, 12);
  EXPECT_TRUE(is_read_near());
}

TEST_F(RackConsumerTest, EndsOfLogsAndErrorsAreThoseOfTheOneThatReads) {
  leader_has(20);
  rack->start(partition, 10);
  near->ends_of_logs[partition] = 12;
  near->error(partition, "near");
  settle();
  EXPECT_EQ(rack->end_of_log(partition), 12);
  pass(8'000);
  leaders->ends_of_logs[partition] = 20;
  leaders->error(partition, "leader");
  settle();

  EXPECT_EQ(rack->end_of_log(partition), 20);
  EXPECT_EQ(errors, (std::vector<std::string>{"near", "leader"}));
}

}  // namespace
}  // namespace tailgate
