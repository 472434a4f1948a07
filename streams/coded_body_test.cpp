#include "streams/coded_body.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "limits/memory_limits.h"
#include "streams/scripted/decoder.h"
#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

using scripted::Decoder;
using scripted::make_decoder;

const auto kEachCoding = ::testing::Values(Coding::gzip, Coding::zstd);

std::string name_of_coding(const ::testing::TestParamInfo<Coding>& coding) {
  return std::string{name_of(coding.param)};
}

// Of one coding.
class CodedStreamTest : public scripted::StreamTest {
 protected:
  explicit CodedStreamTest(Coding as) : coding{as}, counted{counters.coded[index_of(as)]} {
    catalog.set({{"a", 2}});
    log(0).start(0);
    log(1).start(0);
  }
  static Position at(Offset passed0, Offset passed1 = kNothingPassed) { return {{"a", {{0, passed0}, {1, passed1}}}}; }
  Position head() { return at(log(0).next() - 1, log(1).next() - 1); }

  std::unique_ptr<CodedBody> open_coded(Feed& on, const Position& passed, const StreamBodyOptions& how = {}) {
    auto body = std::make_unique<CodedBody>(std::make_unique<StreamBody>(on, passed, how), coding);
    body->set_waker(*this);
    return body;
  }
  // A record like those that are worth compressing.
  void append_order(Offset offset) {
    append(
        0, offset,
        R"({"order":"o-)" + std::to_string(offset * 7919) + R"(","customer":)" + std::to_string(offset % 97) +
            R"(,"status":"shipped","currency":"EUR","items":[{"sku":"sku-00417","n":2},{"sku":"sku-00023","n":1}]})");
  }
  // The events that are there are sent to all who are given.
  void send_orders(int orders, const std::vector<ByteSource*>& to, std::vector<std::string>& got) {
    got.resize(to.size());
    for (; orders > 0; --orders) {
      append_order(log(0).next());
      tell(0);
      for (std::size_t i = 0; i < to.size(); ++i) got[i] += pull(*to[i]);
    }
  }

  const Coding coding;
  const CodingCounters& counted;
};

class CodedBodyTest : public CodedStreamTest, public ::testing::WithParamInterface<Coding> {
 protected:
  CodedBodyTest() : CodedStreamTest{GetParam()} {}

  const std::unique_ptr<Decoder> client = make_decoder(coding);
};

TEST_P(CodedBodyTest, AnEventIsCompressedOnceAndReferredToByAll) {
  Feed& on = feed();
  auto one = open_coded(on, head());
  auto other = open_coded(on, head());
  auto plain = open(on, head());
  pull(*one), pull(*other), pull(*plain);
  append_order(0);
  tell(0);

  const std::string got = pull(*one);
  EXPECT_EQ(refs, 1);
  EXPECT_EQ(pull(*other), got);
  EXPECT_EQ(refs, 1);

  EXPECT_EQ(counted.shared_bytes.get(), pull(*plain).size());
}

TEST_P(CodedBodyTest, EventsReferToThoseBeforeThem) {
  auto body = open_coded(feed(), head());
  pull(*body);
  std::vector<std::string> got;
  send_orders(1, {body.get()}, got);
  const std::size_t first = got[0].size();
  send_orders(1, {body.get()}, got);
  EXPECT_LT(3 * (got[0].size() - first), first);
}

TEST_P(CodedBodyTest, AStreamThatEndsEndsAsItsCodingDoes) {
  Feed& on = feed();
  auto body = open_coded(on, head());
  std::string text = client->read(pull(*body));
  for (Offset offset = 0; offset < 100; ++offset) append_order(offset);
  tell(0);
  text += client->read(pull(*body));
  EXPECT_FALSE(client->is_whole());
  feeds.drain().begin(0);
  text += client->read(pull(*body));
  EXPECT_EQ(last.state, Pull::State::end);
  EXPECT_TRUE(text.find("event: reconnect\n") != std::string::npos);
  EXPECT_TRUE(client->is_whole());
  EXPECT_FALSE(client->is_broken());
}

TEST_P(CodedBodyTest, WhoGotBytesOfItsOwnGoesOnFromARestart) {
  Feed& on = feed();
  auto early = open_coded(on, head());
  const auto of_early = make_decoder(coding);
  std::vector<std::string> got{pull(*early)};
  send_orders(20, {early.get()}, got);
  auto late = open_coded(on, head());
  got.push_back(pull(*late));
  pass(1'000);
  send_orders(20, {early.get(), late.get()}, got);

  const auto of_late = make_decoder(coding);
  const std::string of_both = of_early->read(got[0]);
  const std::string last_events = of_late->read(got[1]);
  EXPECT_FALSE(of_early->is_broken() || of_late->is_broken());
  EXPECT_TRUE(of_both.ends_with(last_events.substr(last_events.find("\n\n") + 2)));
  const std::string events = of_both.substr(of_both.find("\n\n") + 2);
  EXPECT_EQ(counted.shared_bytes.get(), events.size()) << "all of it once";
}

TEST_P(CodedBodyTest, RestartsAreFarFromEachOtherHoweverManyJoin) {
  Feed& on = feed();
  auto early = open_coded(on, head());
  std::vector<std::string> alone{pull(*early)};
  send_orders(50, {early.get()}, alone);
  std::vector<std::unique_ptr<CodedBody>> joiners;
  std::vector<std::string> in_storm{""};
  for (int i = 0; i < 50; ++i) {
    joiners.push_back(open_coded(on, head()));
    pull(*joiners.back());
    append_order(log(0).next());
    tell(0);
    in_storm[0] += pull(*early);
    for (auto& joiner : joiners) pull(*joiner);
  }
  EXPECT_LT(in_storm[0].size(), alone[0].size() * 5 / 4);
}

TEST_P(CodedBodyTest, AHeartbeatIsTheSameCommentAsWithoutCompression) {
  auto body = open_coded(feed(), head());
  client->read(pull(*body));
  pass(15'200);
  EXPECT_EQ(client->read(pull(*body)), ":\n");
  append_order(0);
  tell(0);
  EXPECT_TRUE(client->read(pull(*body)).ends_with("id: 0:0,1:-\n\n"));
  EXPECT_FALSE(client->is_broken());
}

TEST_P(CodedBodyTest, WhoTakesPartOfAUnitGetsTheRestThoughItsChunkIsGone) {
  options.feed_bytes = 64 * 1024;
  FeedSet small{context, options};
  FeedSpec spec;
  spec.topics = {"a"};
  Feed& on = small.get(spec, *catalog.topics());
  auto slow = open_coded(on, head());
  std::string text = client->read(pull(*slow));
  std::string expected = text;
  auto fast = open(on, head());
  pull(*fast);
  std::mt19937 random{7};
  scripted::TextSink sink;
  for (Offset offset = 0; offset < 40; ++offset) {
    std::string value(6'000, ' ');
    for (char& c : value) c = static_cast<char>('a' + random() % 26);
    append(0, offset, value);
    tell(0);
    if (offset == 1) {
      const Pull part = slow->prepare(100);
      slow->emit(part.bytes, sink);
    }
    expected += pull(*fast);
  }
  EXPECT_GT(counters.evictions.get(), 0U);
  text += client->read(sink.text);
  text += client->read(pull(*slow));
  EXPECT_FALSE(client->is_broken());
  EXPECT_TRUE(text == expected);
}

TEST_P(CodedBodyTest, WhoIsPacedReadsTheSameALittleAtATime) {
  LimitTable table{clock};
  MemoryLimits store{table, loop};
  LimitCounters waits;
  Paces paces{store, loop, {.bytes_per_second = 30'000}, waits};
  Feed& on = feed();
  StreamBodyOptions how;
  how.heartbeat_ms = 1'000'000;
  how.retry_ms = 0;  // what is drawn from it would differ
  auto plain = open(on, head(), how);
  std::string expected = pull(*plain);
  std::vector<std::unique_ptr<CodedBody>> bodies;
  std::vector<std::string> texts(4);
  std::vector<std::unique_ptr<Decoder>> clients;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    how.paces = i == 0 ? nullptr : &paces;
    how.caller = std::to_string(i / 2);
    bodies.push_back(open_coded(on, at(log(0).next() - 1), how));
    clients.push_back(make_decoder(coding));
  }
  const auto pull_all = [&] {
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] += clients[i]->read(pull(*bodies[i]));
  };
  std::mt19937 random{3};
  for (int n = 0; n < 300; ++n) {
    append(0, n, std::string(1 + random() % (n % 20 == 0 ? 30'000 : 300), 'v'));
    if (random() % 3 > 0) tell(0);
    pass(100);
    pull_all();
  }
  tell(0);
  for (int n = 0; n < 100; ++n) pass(500), pull_all();
  expected += pull(*plain);
  EXPECT_GT(waits.waits.get(), 0U);
  EXPECT_LT(counted.shared_bytes.get(), 2 * expected.size());
  for (const std::string& text : texts) EXPECT_TRUE(text == expected) << text.size() << " of " << expected.size();
}

// Streams in pairs, one with compression and one without, that are pulled at the same times.
class CodedTwins : public CodedStreamTest, public ::testing::WithParamInterface<std::tuple<Coding, unsigned>> {
 protected:
  CodedTwins() : CodedStreamTest{std::get<Coding>(GetParam())} {}

  struct Twins {
    std::unique_ptr<StreamBody> plain;
    std::unique_ptr<CodedBody> coded;
    std::unique_ptr<Decoder> client;
    std::string text;
    std::string expected;
    Pull last;
  };
  int in(int from, int to) { return std::uniform_int_distribution{from, to}(random); }
  std::string value() {
    if (in(0, 9) > 0) return R"({"n":)" + std::to_string(in(0, 99'999)) + R"(,"status":"shipped","currency":"EUR"})";
    std::string noise(static_cast<std::size_t>(in(0, 3) == 0 ? in(1, 80'000) : in(1, 3'000)), ' ');
    for (char& c : noise) c = static_cast<char>('a' + in(0, 25));
    return noise;
  }
  void write() {
    for (int n = in(0, 6); n > 0; --n) {
      append(0, log(0).next() + in(0, 1), value());
      if (in(0, 1) == 0) tell(0);
    }
    tell(0);
  }
  void join(Feed& on) {
    StreamBodyOptions how;
    how.heartbeat_ms = in(1, 4) * 1'000;
    if (in(0, 3) == 0) how.limit = static_cast<std::uint64_t>(in(1, 60));
    how.retry_ms = 0;  // what is drawn from it would differ
    const Position from{{"a", {{0, log(0).next() - 1 + in(-20, 5)}}}};
    Twins& both = twins.emplace_back();
    both.plain = open(on, from, how);
    both.coded = open_coded(on, from, how);
    both.client = make_decoder(coding);
  }
  void pull_both(Twins& both) {
    both.expected += pull(*both.plain);
    const Pull::State state = last.state;
    both.text += both.client->read(pull(*both.coded, static_cast<std::size_t>(in(1, in(0, 1) == 0 ? 50 : 20'000))));
    both.last = last;
    EXPECT_EQ(state, last.state);
  }

  std::mt19937 random{std::get<unsigned>(GetParam())};
  std::list<Twins> twins;
};

TEST_P(CodedTwins, ReadTheSameAtEveryTime) {
  options.feed_bytes = 128 * 1024;
  FeedSet small{context, options};
  FeedSpec spec;
  spec.topics = {"a"};
  spec.partition = 0;  // how several are merged depends on how streams are pulled
  spec.format = in(0, 1) == 0 ? EventFormat::sse_value : EventFormat::ndjson;
  Feed& on = small.get(spec, *catalog.topics());
  for (int n = 0; n < 30; ++n) append(0, n, value());
  for (int step = 0; step < 150; ++step) {
    if (in(0, 5) == 0) join(on);
    write();
    pass(in(0, 8) == 0 ? in(1, 30) * 100 : 0);
    if (step == 130) small.drain().begin(0);
    for (auto both = twins.begin(); both != twins.end();) {
      if (in(0, 3) > 0) pull_both(*both);
      ASSERT_FALSE(both->client->is_broken());
      EXPECT_TRUE(both->text == both->expected) << both->text.size() << " and " << both->expected.size();
      ASSERT_TRUE(both->client->is_whole() || both->last.state != Pull::State::end);
      both = !both->last.waits() || in(0, 40) == 0 ? twins.erase(both) : std::next(both);
    }
  }
  twins.clear();
  EXPECT_GT(counted.plain_bytes.get(), counted.shared_bytes.get()) << "units were shared";
}

INSTANTIATE_TEST_SUITE_P(Codings, CodedBodyTest, kEachCoding, name_of_coding);

INSTANTIATE_TEST_SUITE_P(Seeds, CodedTwins, ::testing::Combine(kEachCoding, ::testing::Range(1U, 33U)),
                         [](const auto& seed) {
                           return std::string{name_of(std::get<Coding>(seed.param))} +
                                  std::to_string(std::get<unsigned>(seed.param));
                         });

}  // namespace
}  // namespace tailgate
