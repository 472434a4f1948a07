#include "server/handlers/topics.h"

#include <gtest/gtest.h>

#include "cursors/id.h"
#include "server/handlers/known_catalog.h"
#include "server/handlers/recorded_exchange.h"

namespace tailgate {
namespace {

struct TopicsTest : testing::Test {
  TopicsTest() {
    catalog.known.version = 1;
    catalog.known.by_name = {{"orders", {"orders", "internal.orders", 2}}, {"payments", {"payments", "payments", 1}}};
  }
  std::unique_ptr<RecordedExchange> ask(const std::string& target) {
    auto exchange = std::make_unique<RecordedExchange>("GET", target);
    handler.handle(*exchange);
    exchange->run_posted();
    return exchange;
  }
  KnownCatalog catalog;
  TopicsHandler handler{catalog};
};

TEST_F(TopicsTest, AreListedByTheirPublicNames) {
  EXPECT_EQ(ask("/topics")->body(),
            "{\"topics\":[{\"name\":\"orders\",\"partitions\":2},{\"name\":\"payments\",\"partitions\":1}]}\n");
  catalog.known.by_name.clear();
  EXPECT_EQ(ask("/topics")->body(), "{\"topics\":[]}\n");
}

TEST_F(TopicsTest, ATopicTellsWhereItsPartitionsBeginAndEnd) {
  catalog.answer = {{{"internal.orders", 0}, {17, 4711, 4709}}, {{"internal.orders", 1}, {0, 0, 0}}};
  const auto exchange = ask("/topics/orders");
  EXPECT_EQ(exchange->status(), 200);
  EXPECT_EQ(exchange->body(),
            "{\"name\":\"orders\",\"partitions\":[{\"partition\":0,\"begin\":17,\"end\":4711,\"readable\":4709},"
            "{\"partition\":1,\"begin\":0,\"end\":0,\"readable\":0}],\"latest\":\"0:4708,1:-\"}\n");
  EXPECT_EQ(catalog.asked, (std::vector<TopicPartition>{{"internal.orders", 0}, {"internal.orders", 1}}));
}

TEST_F(TopicsTest, MorePartitionsThanAnIdNamesHaveNoLatestId) {
  std::map<TopicPartition, PartitionEnds> ends;
  for (std::int32_t p = 0; p < 257; ++p) ends[{"internal.orders", p}] = {0, 1, 1};
  catalog.answer = ends;
  const auto exchange = ask("/topics/orders");
  EXPECT_EQ(exchange->status(), 200);
  EXPECT_EQ(exchange->body().find("latest"), std::string::npos);
}

TEST_F(TopicsTest, OneThatDoesNotExistIsNotFoundWhateverItsName) {
  const std::string body = ask("/topics/nothing")->body();
  EXPECT_EQ(ask("/topics/nothing")->status(), 404);
  for (const char* path : {"/topics/internal.orders", "/topics/__consumer_offsets", "/topics/", "/topics/orders/",
                           "/topics/%2e%2e", "/topics/orders%00"}) {
    EXPECT_EQ(ask(path)->body(), body) << path;
  }
  EXPECT_EQ(ask("/topics/%zz")->status(), 400);
}

TEST_F(TopicsTest, TakeNoParameters) {
  EXPECT_EQ(ask("/topics?limit=1")->status(), 400);
  EXPECT_EQ(ask("/topics/orders?x")->status(), 400);
  EXPECT_EQ(ask("/topics?_=1")->status(), 200);
}

TEST_F(TopicsTest, KafkaAwayIsSaidWithATimeToComeBack) {
  EXPECT_EQ(ask("/topics/orders")->status(), 503);
  EXPECT_EQ(ask("/topics/orders")->field("Retry-After"), "5");
  catalog.known.version = 0;
  EXPECT_EQ(ask("/topics")->status(), 503);
}

TEST_F(TopicsTest, AClientThatGoesCancelsTheQuestion) {
  auto exchange = std::make_unique<RecordedExchange>("GET", "/topics/orders");
  handler.handle(*exchange);
  exchange->keep(nullptr);
  exchange->run_posted();
  EXPECT_FALSE(exchange->is_answered());
}

}  // namespace
}  // namespace tailgate
