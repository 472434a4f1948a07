// The checker against ledgers in which one thing was made wrong on purpose.
#include "tests/ledger/checker.h"

#include <gtest/gtest.h>

#include "tests/ledger/payload.h"

namespace tailgate::ledger {
namespace {

// Topic "t": partition 0 holds 0..9, of which 3 was aborted and 6 is a marker; partition 1 holds 0..4. All sent at 1 s.
Partitions small_truth() {
  Partitions truth;
  for (std::int64_t offset = 0; offset < 10; ++offset) {
    if (offset == 6) continue;
    const auto payload = make_payload(0, offset, 10);
    truth[{"t", 0}].records[offset] = {1'000'000, offset != 3, *payload.key,
                                       ContentHash::of(payload.content, payload.value.value_or(""))};
  }
  for (std::int64_t offset = 0; offset < 5; ++offset) {
    const auto payload = make_payload(1, offset, 10);
    truth[{"t", 1}].records[offset] = {1'000'000, true, *payload.key,
                                       ContentHash::of(payload.content, payload.value.value_or(""))};
  }
  return truth;
}

// Writes what a client of "t" in envelopes sees. The times are 2 s and on.
class Script {
 public:
  explicit Script(ClientPlan plan = {}) {
    if (plan.topics.empty()) plan.topics = {"t"};
    if (plan.shape.representation == Representation::sse) plan.shape.representation = Representation::ndjson;
    add_client(plan);
  }
  void add_client(ClientPlan plan) {
    client_ = ledger_.add_client(std::move(plan));
    connection_ = 0;
  }
  Script& connect(std::string id = "") {
    Entry connect = entry(Entry::Kind::connect);
    connect.id = std::move(id);
    connect.connection = ++connection_;
    ledger_.append(connect);
    Entry response = entry(Entry::Kind::response);
    response.status = 200;
    ledger_.append(response);
    return *this;
  }
  // Cuts itself, or is cut, before the head of the answer is whole.
  Script& without_answer(const std::string& why) {
    Entry connect = entry(Entry::Kind::connect);
    connect.connection = ++connection_;
    ledger_.append(connect);
    Entry close = entry(Entry::Kind::close);
    close.text = why;
    ledger_.append(close);
    return *this;
  }
  Script& close(std::int64_t silence_us = 0, bool behind_id_line = false) {
    Entry close = entry(Entry::Kind::close);
    close.silence_us = silence_us;
    close.lost_behind_id_line = behind_id_line;
    ledger_.append(close);
    return *this;
  }
  Script& position(std::string id) { return control(Seen::Kind::position, std::move(id)); }
  Script& gap(std::int32_t partition, std::int64_t from, std::int64_t to, std::string id) {
    Entry gap = entry(Entry::Kind::seen);
    gap.seen = Seen::Kind::gap;
    gap.topic = 0;
    gap.partition = partition;
    gap.from = from;
    gap.to = to;
    gap.id = std::move(id);
    ledger_.append(gap);
    return *this;
  }
  Script& control(Seen::Kind kind, std::string id) {
    Entry control = entry(Entry::Kind::seen);
    control.seen = kind;
    control.id = std::move(id);
    ledger_.append(control);
    return *this;
  }
  Script& record(std::int32_t partition, std::int64_t offset, std::string id, const Payload* other = nullptr) {
    const auto payload = other != nullptr ? *other : make_payload(partition, offset, 10);
    Entry record = entry(Entry::Kind::seen);
    record.topic = 0;
    record.partition = partition;
    record.offset = offset;
    record.hash = ContentHash::of(payload.content, payload.value.value_or("")).exact;
    record.key = payload.key;
    record.id = std::move(id);
    ledger_.append(record);
    return *this;
  }
  // All of partition 1, so that only partition 0 is in question.
  Script& rest_of_1(std::int64_t passed_of_0) {
    for (std::int64_t offset = 0; offset < 5; ++offset) {
      record(1, offset, "0:" + std::to_string(passed_of_0) + ",1:" + std::to_string(offset));
    }
    return *this;
  }
  Script& from_0(std::int64_t first, std::int64_t last, const std::string& of_1 = "4") {
    for (auto offset = first; offset <= last; ++offset) {
      if (offset != 3 && offset != 6) record(0, offset, "0:" + std::to_string(offset) + ",1:" + of_1);
    }
    return *this;
  }
  const Ledger& ledger() const { return ledger_; }

  std::vector<Violation> check(const Partitions& truth = small_truth(), const Rules& rules = {}) const {
    return ledger::check(ledger_, truth, rules);
  }
  // The names of what is found, each once, in order.
  std::string found(const Partitions& truth = small_truth(), const Rules& rules = {}) const {
    std::string names;
    for (const auto& violation : check(truth, rules)) {
      const auto name = std::string{name_of(violation.kind)};
      if (names.find(name) == std::string::npos) names += (names.empty() ? "" : ", ") + name;
    }
    return names;
  }

 private:
  Entry entry(Entry::Kind kind) {
    Entry entry;
    entry.kind = kind;
    entry.client = client_;
    entry.connection = connection_;
    entry.at_us = 2'000'000 + 1000 * ++ticks_;
    return entry;
  }

  Ledger ledger_;
  std::int32_t client_ = 0;
  std::int32_t connection_ = 0;
  std::int64_t ticks_ = 0;
};

TEST(Checker, FindsNothingInALedgerWithCutsHolesAndPositions) {
  Script good;
  good.connect().position("0:-,1:-").from_0(0, 2, "-").close();
  good.connect("0:2,1:-").position("0:3,1:-").from_0(4, 5, "-").position("0:6,1:-").from_0(7, 9, "-").close();
  good.connect("0:9,1:-").position("0:9,1:-").rest_of_1(9).close();
  EXPECT_EQ(good.found(), "") << report(good.ledger(), good.check(), 1, {});
}

TEST(Checker, NamesAnOffsetThatGoesBackWithinAConnectionNonmonotonic) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 5, "-").record(0, 4, "0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  EXPECT_TRUE(script.found().starts_with("nonmonotonic")) << script.found();
}

TEST(Checker, NamesAnIdThatGoesBackNonmonotonic) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9).position("0:8,1:4");
  EXPECT_EQ(script.found(), "nonmonotonic");
}

TEST(Checker, NamesAnIdThatIsNotTheRecordsOwnOffsetNonmonotonic) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 4, "-").record(0, 5, "0:4,1:-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_TRUE(script.found().starts_with("nonmonotonic")) << script.found();
}

TEST(Checker, NamesARecordSeenAgainAfterAReconnectDuplicate) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 5, "-").close();
  script.connect("0:5,1:-").position("0:5,1:-").record(0, 5, "0:5,1:-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(script.found(), "duplicate");
}

TEST(Checker, NamesACommittedRecordThatIsPassedOverSkip) {
  Script between;
  between.connect().position("0:-,1:-").from_0(0, 4, "-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(between.found(), "skip, lost");

  Script by_id;
  by_id.connect().position("0:-,1:-").from_0(0, 4, "-").position("0:5,1:-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(by_id.found(), "skip, lost");

  Script by_other_partition;
  by_other_partition.connect().position("0:-,1:-").from_0(0, 4, "-").record(1, 0, "0:5,1:0");
  EXPECT_TRUE(by_other_partition.found().starts_with("skip")) << by_other_partition.found();
}

TEST(Checker, NamesAStartBehindTheEarliestSkip) {
  Script script;
  script.connect().position("0:1,1:-").from_0(2, 9, "-").rest_of_1(9);
  EXPECT_EQ(script.found(), "skip");
}

TEST(Checker, NamesAStartAtLatestThatPassesWhatWasProducedAfterTheResponseSkip) {
  auto truth = small_truth();
  for (auto& [offset, record] : truth[{"t", 0}].records) record.sent_us = 1'900'000 + offset * 200'000;
  ClientPlan plan;
  plan.topics = {"t"};
  plan.from = "latest";
  Script script{plan};
  script.connect().position("0:1,1:4").from_0(2, 9);
  EXPECT_EQ(script.found(truth), "skip");
}

TEST(Checker, NamesWhatWasNeverCommittedOrHasOtherBytesPhantom) {
  Script aborted;
  aborted.connect().position("0:-,1:-").from_0(0, 2, "-").record(0, 3, "0:3,1:-").from_0(4, 9, "-").rest_of_1(9);
  EXPECT_EQ(aborted.found(), "phantom");

  Script marker;
  marker.connect().position("0:-,1:-").from_0(0, 5, "-").record(0, 6, "0:6,1:-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(marker.found(), "phantom");

  Script bytes;
  const auto other = make_payload(0, 1000, 10);
  bytes.connect().position("0:-,1:-").from_0(0, 4, "-").record(0, 5, "0:5,1:-", &other).from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(bytes.found(), "phantom");
}

TEST(Checker, NamesARecordOutsideOfAFilterPhantom) {
  ClientPlan plan;
  plan.topics = {"t"};
  plan.key = "0/1";
  Script script{plan};
  script.connect().position("0:0,1:4").record(0, 1, "0:1,1:4").record(0, 2, "0:2,1:4").record(0, 9, "0:9,1:4");
  EXPECT_EQ(script.found(), "phantom");
}

TEST(Checker, NamesTwoContentsOfOneOffsetInconsistent) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9);
  ClientPlan plan;
  plan.topics = {"t"};
  script.add_client(plan);
  const auto other = make_payload(0, 1000, 10);
  script.connect().position("0:-,1:-").from_0(0, 4, "-").record(0, 5, "0:5,1:-", &other).from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(script.found(), "phantom, inconsistent");
}

TEST(Checker, NamesWhatNobodySawAlthoughOthersWentOnLost) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 4, "-").from_0(7, 9, "-").rest_of_1(9);
  const auto violations = script.check();
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_EQ(violations[1].kind, Violation::Kind::lost);
  EXPECT_EQ(violations[1].text, "t/0 offset 5 was seen by no client");
}

TEST(Checker, AcceptsAGapOverWhatWasDeletedAndNamesAnyOtherFalse) {
  auto truth = small_truth();
  truth[{"t", 0}].deletions = {{1'500'000, 5}, {9'000'000, 8}};

  Script right;
  right.connect().position("0:-,1:-").gap(0, 0, 4, "0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  EXPECT_EQ(right.found(truth), "");

  Script wide;
  wide.connect().position("0:-,1:-").gap(0, 0, 5, "0:5,1:-").from_0(7, 9, "-").rest_of_1(9);
  EXPECT_EQ(wide.found(truth), "false gap");

  Script seen;
  seen.connect().position("0:-,1:-").from_0(0, 4, "-").gap(0, 4, 4, "0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  EXPECT_EQ(seen.found(truth), "false gap");

  Script narrow;
  narrow.connect().position("0:-,1:-").gap(0, 1, 4, "0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  EXPECT_EQ(narrow.found(truth), "skip, lost");
}

TEST(Checker, NamesAResetThatNobodyCausedAFalseGap) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 5, "-").control(Seen::Kind::reset, "0:9,1:-").rest_of_1(9);
  EXPECT_TRUE(script.found().starts_with("false gap")) << script.found();
}

TEST(Checker, NamesWhatHasNotComeAtTheEndUnseen) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 8, "-").rest_of_1(8);
  EXPECT_EQ(script.found(), "unseen");
}

TEST(Checker, NamesTooLongAWaitForBytesSilence) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9).close(17'000'000);
  EXPECT_EQ(script.found(), "silence");
}

TEST(Checker, LetsALongPollWaitBeforeItIsSilent) {
  ClientPlan plan;
  plan.shape.representation = Representation::long_poll;
  Script waiting{plan};
  waiting.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9).close(17'000'000);
  EXPECT_EQ(waiting.found(), "");
  Script silent{plan};
  silent.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9).close(22'000'000);
  EXPECT_EQ(silent.found(), "silence");
}

TEST(Checker, NamesALateArrivalWhereProgressWasRequiredStuck) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9);
  Rules rules;
  rules.progress = {{900'000, 1'100'000, 2'000'000}};
  EXPECT_EQ(script.found(small_truth(), rules), "");
  rules.progress = {{900'000, 1'100'000, 500'000}};
  EXPECT_EQ(script.found(small_truth(), rules), "stuck");
}

TEST(Checker, NamesTooLongAWaitForAnAnswerAwayUnlessItLiesInAnOutage) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 4, "-").close();
  script.connect("0:4,1:-").position("0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  Rules rules;
  rules.away_max_us = 1'000'000;
  EXPECT_EQ(script.found(small_truth(), rules), "");
  rules.away_max_us = 0;
  EXPECT_EQ(script.found(small_truth(), rules), "away");
  rules.outages = {{0, 1'000'000'000}};
  EXPECT_EQ(script.found(small_truth(), rules), "");
}

TEST(Checker, TakesAnAnswerThatAClientCutsForAnAnswer) {
  const auto found = [](const std::string& why) {
    Script script;
    script.connect().position("0:-,1:-").from_0(0, 4, "-").close();
    for (int i = 0; i < 10; ++i) script.without_answer(why);
    script.connect("0:4,1:-").position("0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
    Rules rules;
    rules.away_max_us = 10'000;
    return script.found(small_truth(), rules);
  };
  EXPECT_EQ(found("cut"), "");
  EXPECT_EQ(found("ended"), "away");
}

TEST(Checker, NamesAnEventSourceThatIsAnsweredWith503TurnedAway) {
  ClientPlan plan;
  plan.topics = {"t"};
  for (const auto representation : {Representation::sse, Representation::long_poll}) {
    Ledger ledger;
    plan.shape.representation = representation;
    const auto client = ledger.add_client(plan);
    Entry response;
    response.kind = Entry::Kind::response;
    response.client = client;
    response.status = 503;
    ledger.append(response);
    Rules rules;
    rules.everything_must_be_seen = false;
    rules.refusals_are_soft = true;
    const auto violations = check(ledger, small_truth(), rules);
    ASSERT_EQ(violations.size(), representation == Representation::sse ? 1U : 0U);
    for (const auto& violation : violations) EXPECT_EQ(name_of(violation.kind), "turned away");
  }
}

TEST(Checker, NamesAnIdThatForgetsAPartitionMalformed) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 9, "-").rest_of_1(9).position("0:9");
  EXPECT_EQ(script.found(), "malformed");
}

TEST(Checker, ExcusesOneRecordOfAParserByLineThatWasCutBehindAnIdLine) {
  const auto cut_at_4 = [](const std::string& back_with, bool behind_id_line) {
    Script script;
    script.connect().position("0:-,1:-").from_0(0, 2, "-").close(0, behind_id_line);
    script.connect(back_with).position(back_with).from_0(back_with == "0:4,1:-" ? 5 : 7, 9, "-").rest_of_1(9);
    return script.found();
  };
  EXPECT_EQ(cut_at_4("0:4,1:-", true), "");
  EXPECT_EQ(cut_at_4("0:4,1:-", false), "skip, lost");
  EXPECT_EQ(cut_at_4("0:5,1:-", true), "skip");
}

TEST(Checker, ExcusesItAlsoWhenNobodyWasThereAtFirst) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 2, "-").close(0, /*behind_id_line=*/true).close();
  script.connect("0:4,1:-").position("0:4,1:-").from_0(5, 9, "-").rest_of_1(9);
  EXPECT_EQ(script.found(), "");
}

TEST(Checker, ReportsSeedTimelineAndTheLinesAroundTheFirstViolation) {
  Script script;
  script.connect().position("0:-,1:-").from_0(0, 4, "-").from_0(7, 9, "-").rest_of_1(9);
  const auto text = report(script.ledger(), script.check(), 4711, {"1000ms replica 2 killed"});
  EXPECT_NE(text.find("seed 4711"), std::string::npos);
  EXPECT_NE(text.find("replica 2 killed"), std::string::npos);
  EXPECT_NE(text.find("skip: client 0: t/0 offset 5 before 7"), std::string::npos) << text;
  EXPECT_NE(text.find("> 2008ms"), std::string::npos) << text;
}

TEST(Checker, SaysWhenAClientHasPassedAllThatIsItsOwn) {
  const auto truth = small_truth();
  ClientPlan plan;
  plan.topics = {"t"};
  EXPECT_TRUE(has_passed_all(plan, "0:9,1:4", truth));
  EXPECT_FALSE(has_passed_all(plan, "0:8,1:4", truth));
  EXPECT_FALSE(has_passed_all(plan, "", truth));
  plan.key = "0/1";
  EXPECT_TRUE(has_passed_all(plan, "0:9,1:-", truth));
  plan.key = "";
  plan.partition = 1;
  EXPECT_TRUE(has_passed_all(plan, "4", truth));
}

}  // namespace
}  // namespace tailgate::ledger
