#include "server/handlers/limit_refusal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tailgate {
namespace {

std::string field(const Response& response, std::string_view name) {
  const auto it = std::find_if(response.headers.begin(), response.headers.end(),
                               [name](const ResponseField& field) { return field.name == name; });
  return it == response.headers.end() ? "" : std::string{it->value.text()};
}

Request get(const std::string& path, const std::string& accept) {
  Request request;
  request.method = "GET";
  request.path = path;
  request.headers = {{"accept", accept}, {"last-event-id", "0:7"}};
  return request;
}

// RFC 9651 section 4.2, of lists whose items are strings with parameters: what these fields are. Exact, as a receiver
// is.
class StructuredList {
 public:
  using Value = std::variant<std::int64_t, std::string>;
  struct Item {
    std::string name;
    std::map<std::string, Value> parameters;
  };
  static std::optional<std::vector<Item>> parse(std::string_view text) {
    StructuredList list{text};
    std::vector<Item> items;
    while (true) {
      auto item = list.item();
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
      list.skip(" \t");
      if (list.rest_.empty()) return items;
      if (!list.take(',')) return std::nullopt;
      list.skip(" \t");
    }
  }

 private:
  explicit StructuredList(std::string_view text) : rest_{text} {}

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view any) { rest_.remove_prefix(std::min(rest_.find_first_not_of(any), rest_.size())); }
  std::string_view span(std::string_view any) {
    const std::string_view before = rest_;
    skip(any);
    return before.substr(0, before.size() - rest_.size());
  }
  std::optional<Item> item() {
    auto name = string();
    if (!name) return std::nullopt;
    Item item{std::move(*name), {}};
    while (take(';')) {
      skip(" ");
      const std::string_view first = rest_.substr(0, 1);
      const std::string key{span("abcdefghijklmnopqrstuvwxyz0123456789_-.*")};
      if (first.find_first_of("abcdefghijklmnopqrstuvwxyz*") != 0 || !take('=')) return std::nullopt;
      const auto value = bare();
      if (!value || !item.parameters.emplace(key, *value).second) return std::nullopt;
    }
    return item;
  }
  std::optional<Value> bare() {
    if (rest_.starts_with('"')) {
      auto text = string();
      return text ? std::optional<Value>{std::move(*text)} : std::nullopt;
    }
    const bool is_negative = take('-');
    const std::string digits{span("0123456789")};
    if (digits.empty() || digits.size() > 15 || rest_.starts_with('.')) return std::nullopt;
    return std::stoll(digits) * (is_negative ? -1 : 1);
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string text;
    while (!rest_.empty() && !rest_.starts_with('"')) {
      const bool is_escaped = take('\\');
      if (rest_.empty() || rest_[0] < 0x20 || rest_[0] > 0x7e) return std::nullopt;
      if (is_escaped && rest_[0] != '"' && rest_[0] != '\\') return std::nullopt;
      text += rest_[0];
      rest_.remove_prefix(1);
    }
    return take('"') ? std::optional{text} : std::nullopt;
  }

  std::string_view rest_;
};

std::int64_t number(const StructuredList::Item& item, const std::string& key) {
  const auto found = item.parameters.find(key);
  return found == item.parameters.end() ? -1 : std::get<std::int64_t>(found->second);
}

TEST(LimitRefusal, HasFieldsThatAreStructuredWhateverTheLimit) {
  std::mt19937_64 random{20'261'121};
  const auto up_to = [&random](std::int64_t max) {  // of every order of magnitude
    std::int64_t most = 1;
    for (auto i = random() % 10; i > 0 && most < max; --i) most *= 10;
    return std::uniform_int_distribution<std::int64_t>{1, std::min(most, max)}(random);
  };
  for (int i = 0; i < 20'000; ++i) {
    const TokenRate rate{.per_second = static_cast<double>(up_to(1'000'000)),
                         .burst = static_cast<double>(up_to(1'000'000))};
    const std::int64_t retry_ms = up_to(1'000'000'000);
    const Response response = make_rate_refusal(get("/topics", "*/*"), rate, retry_ms);
    const auto policy = StructuredList::parse(field(response, "RateLimit-Policy"));
    const auto limit = StructuredList::parse(field(response, "RateLimit"));
    ASSERT_TRUE(policy && limit) << field(response, "RateLimit-Policy") << " " << field(response, "RateLimit");
    ASSERT_EQ(policy->size(), 1U);
    ASSERT_EQ(limit->size(), 1U);
    EXPECT_EQ((*policy)[0].name, (*limit)[0].name);
    EXPECT_EQ(number((*policy)[0], "q"), static_cast<std::int64_t>(rate.burst));
    EXPECT_GE(static_cast<double>(number((*policy)[0], "w")) * rate.per_second, rate.burst);
    EXPECT_EQ(number((*limit)[0], "r"), 0);
    const std::int64_t seconds = std::stoll(field(response, "Retry-After"));
    EXPECT_GE(seconds * 1'000, retry_ms);
    EXPECT_EQ(number((*limit)[0], "t"), seconds);

    const auto slots = make_slots_refusal(StreamRequest{}, static_cast<std::size_t>(up_to(1'000'000)));
    const auto slots_policy = StructuredList::parse(field(slots, "RateLimit-Policy"));
    const auto slots_limit = StructuredList::parse(field(slots, "RateLimit"));
    ASSERT_TRUE(slots_policy && slots_limit);
    EXPECT_EQ((*slots_policy)[0].parameters.at("qu"), StructuredList::Value{"concurrent-requests"});
    EXPECT_EQ(number((*slots_limit)[0], "t"), std::stoll(field(slots, "Retry-After")));
  }
}

TEST(LimitRefusal, SaysWhenThereIsRoomAgainAndNeverTooEarly) {
  for (const auto& [retry_ms, seconds] : {std::pair{1, "1"}, {1'000, "1"}, {1'001, "2"}, {59'999, "60"}}) {
    const Response response = make_rate_refusal(get("/topics", "*/*"), {.per_second = 100, .burst = 250}, retry_ms);
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(field(response, "Retry-After"), seconds);
    EXPECT_EQ(field(response, "RateLimit-Policy"), R"("requests";q=250;w=3)");
    EXPECT_EQ(field(response, "RateLimit"), R"("requests";r=0;t=)" + std::string{seconds});
    EXPECT_EQ(response.problem, "too_many_requests");
  }
}

TEST(LimitRefusal, TellsAnEventSourceToComeBack) {
  const Response response =
      make_rate_refusal(get("/streams/a", "text/event-stream"), {.per_second = 1, .burst = 1}, 1'500);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "retry: 2000\nevent: busy\ndata: {\"reason\":\"too_many_requests\",\"retry_after\":2}\nid: 0:7\n\n");
}

TEST(LimitRefusal, OfStreamsNamesHowManyThereMayBe) {
  StreamRequest request;
  const Response hard = make_slots_refusal(request, 20);
  EXPECT_EQ(hard.status, 429);
  EXPECT_EQ(field(hard, "Retry-After"), "10");
  EXPECT_EQ(field(hard, "RateLimit-Policy"), R"("streams";q=20;qu="concurrent-requests")");
  EXPECT_EQ(field(hard, "RateLimit"), R"("streams";r=0;t=10)");
  request.is_soft = true;
  EXPECT_EQ(make_slots_refusal(request, 20).status, 200);
}

TEST(LimitRefusal, OfConnectionsSaysAsMuchAsOneOfStreams) {
  const Response hard = make_connections_refusal(nullptr, "too_many_connections", "There are too many.", 100);
  EXPECT_EQ(hard.status, 429);
  EXPECT_EQ(field(hard, "Retry-After"), "10");
  EXPECT_EQ(field(hard, "RateLimit-Policy"), R"("connections";q=100;qu="concurrent-requests")");
  EXPECT_EQ(field(hard, "RateLimit"), R"("connections";r=0;t=10)");
  EXPECT_EQ(hard.problem, "too_many_connections");
  const Request request = get("/streams/a", "text/event-stream");
  EXPECT_EQ(make_connections_refusal(&request, "too_many_connections", "There are too many.", 100).body,
            "retry: 10000\nevent: busy\ndata: {\"reason\":\"too_many_connections\",\"retry_after\":10}\nid: 0:7\n\n");
}

}  // namespace
}  // namespace tailgate
