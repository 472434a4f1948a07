#include "server/access_log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tailgate {
namespace {

ExchangeSummary summary(int status, std::string_view problem = {}) {
  return {.method = "GET",
          .path = "/streams/orders",
          .client = *IpAddress::parse("192.0.2.1"),
          .request_id = "0-1",
          .trace_id = {},
          .version = HttpVersion::http11,
          .status = status,
          .problem = problem,
          .note = {.representation = "sse", .records = 3, .why_ended = "limit"},
          .body_bytes = 10,
          .duration_ms = 5,
          .why = WhyEnded::complete};
}

// What is logged while it lives.
class CapturedLog {
 public:
  CapturedLog() {
    testing::internal::CaptureStderr();
    logging_.emplace(LogLevel::debug, LogFormat::text);
  }
  std::string text() {
    logging_.reset();
    return testing::internal::GetCapturedStderr();
  }

 private:
  std::optional<Logging> logging_;
};

TEST(AccessLog, OneLineSaysHowAnExchangeEnded) {
  CapturedLog log;
  ManualClock clock;
  AccessLog access{clock, 1};
  access.on_end(summary(200), 0);
  EXPECT_NE(log.text().find("info request method=GET path=/streams/orders status=200 as=sse records=3 bytes=10 ms=5 "
                            "why=limit client=192.0.2.1 id=0-1\n"),
            std::string::npos);
}

TEST(AccessLog, SecretsOfAQueryAreNotInIt) {
  CapturedLog log;
  ManualClock clock;
  AccessLog access{clock, 1};
  Request request;
  request.method = "GET";
  request.path = "/streams/orders";
  request.query = "access_token=eyJhbGciOi&from=earliest";
  request.headers = {{"authorization", "Bearer eyJhbGciOi"}, {"cookie", "session=eyJhbGciOi"}};
  access.on_start(request, 0);
  const std::string text = log.text();
  EXPECT_NE(text.find("from=earliest"), text.npos);
  EXPECT_EQ(text.find("eyJhbGciOi"), text.npos);
}

TEST(AccessLog, NamesOfCursorsAreNotInIt) {
  CapturedLog log;
  ManualClock clock;
  AccessLog access{clock, 1};
  Request request;
  request.method = "DELETE";
  request.path = "/cursors/9f86d081";
  request.query = "cursor=9f86d081&as=sse";
  access.on_start(request, 0);
  ExchangeSummary end = summary(204);
  end.path = request.path;
  access.on_end(end, 0);
  const std::string text = log.text();
  EXPECT_NE(text.find("path=/cursors/*** status=204"), text.npos) << text;
  EXPECT_NE(text.find("as=sse"), text.npos) << text;
  EXPECT_EQ(text.find("9f86d081"), text.npos) << text;
}

TEST(AccessLog, AFloodOfErrorsIsCountedAndNotWritten) {
  CapturedLog log;
  ManualClock clock;
  AccessLog access{clock, 1};
  for (int i = 0; i < 10'000; ++i) access.on_end(summary(404, "not_found"), 0);
  clock.advance(1'000);
  access.on_end(summary(404, "not_found"), 0);
  const std::string text = log.text();
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 300);
  EXPECT_NE(text.find("error lines were kept back lines=9800"), text.npos);
  EXPECT_EQ(access.counts().by_status.at(404), 10'001u);
  EXPECT_EQ(access.counts().by_problem.at("not_found"), 10'001u);
}

TEST(RequestCounters, OfAllLoopsAreAddedUp) {
  RequestCounters counters{2};
  counters.add(summary(200), 0);
  counters.add(summary(200), 1);
  counters.add(summary(404, "not_found"), 1);
  const RequestCounts counts = counters.counts();
  EXPECT_EQ(counts.by_status, (std::map<int, std::uint64_t>{{200, 2}, {404, 1}}));
  EXPECT_EQ(counts.by_problem, (std::map<std::string, std::uint64_t>{{"not_found", 1}}));
  EXPECT_EQ(counts.by_ending.at("complete"), 3u);
}

TEST(RequestCounters, KindsAreBounded) {
  RequestCounters counters{1};
  for (int i = 0; i < 1'000; ++i) counters.add(summary(400, "code" + std::to_string(i)), 0);
  const RequestCounts counts = counters.counts();
  EXPECT_LE(counts.by_problem.size(), 65u);
  EXPECT_EQ(counts.by_problem.at("other"), 1'000u - 64u);
}

}  // namespace
}  // namespace tailgate
