#include "base/metric_page.h"

#include <gtest/gtest.h>

#include <array>

namespace tailgate {
namespace {

TEST(MetricPage, HasSamplesWithTheirLabelsUnderOneHelp) {
  MetricPage page;
  page.counter("tailgate_requests_total", "Requests.", 7, {{"status", "200"}});
  page.counter("tailgate_requests_total", "Requests.", 1, {{"status", "404"}});
  page.gauge("tailgate_feeds", "Feeds.", 9007199254740991.0);
  EXPECT_EQ(page.text(),
            "# HELP tailgate_requests_total Requests.\n# TYPE tailgate_requests_total counter\n"
            "tailgate_requests_total{status=\"200\"} 7\ntailgate_requests_total{status=\"404\"} 1\n"
            "# HELP tailgate_feeds Feeds.\n# TYPE tailgate_feeds gauge\ntailgate_feeds 9007199254740991\n");
}

TEST(MetricPage, HasAllSamplesOfANameInOnePlace) {
  MetricPage page;
  for (const char* coding : {"gzip", "zstd"}) {
    page.gauge("streams", "Streams.", 1, {{"coding", coding}});
    page.counter("bytes_total", "Bytes.", 2, {{"coding", coding}});
  }
  EXPECT_EQ(page.text(),
            "# HELP streams Streams.\n# TYPE streams gauge\nstreams{coding=\"gzip\"} 1\nstreams{coding=\"zstd\"} 1\n"
            "# HELP bytes_total Bytes.\n# TYPE bytes_total counter\nbytes_total{coding=\"gzip\"} 2\n"
            "bytes_total{coding=\"zstd\"} 2\n");
}

TEST(MetricPage, EscapesLabels) {
  MetricPage page;
  page.gauge("x", "X.", 1, {{"topic", "a\"b\\c\nd"}});
  EXPECT_NE(page.text().find("x{topic=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos);
}

TEST(MetricPage, BucketsOfAHistogramAddUp) {
  MetricPage page;
  constexpr std::array<double, 2> kBounds{0.001, 0.5};
  constexpr std::array<std::uint64_t, 3> kCounts{3, 4, 5};
  page.histogram("h_seconds", "H.", kBounds, kCounts, 6.5);
  const std::string text = page.text();
  for (const char* line : {"h_seconds_count 12\n", "h_seconds_sum 6.5\n", "h_seconds_bucket{le=\"0.001\"} 3\n",
                           "h_seconds_bucket{le=\"0.5\"} 7\n", "h_seconds_bucket{le=\"+Inf\"} 12\n"}) {
    EXPECT_NE(text.find(line), text.npos) << text;
  }
}

}  // namespace
}  // namespace tailgate
