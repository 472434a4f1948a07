#include "base/metric_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cassert>
#include <sstream>
#include <vector>

namespace tailgate {

struct MetricPage::Families {
  prometheus::ClientMetric& add(std::string_view name, std::string_view help, prometheus::MetricType type,
                                MetricLabels labels) {
    // The format has all samples of a name in one place; mostly they come one after the other.
    auto family = std::find_if(all.rbegin(), all.rend(), [name](const auto& known) { return known.name == name; });
    if (family == all.rend()) {
      all.push_back({.name = std::string{name}, .help = std::string{help}, .type = type, .metric = {}});
      family = all.rbegin();
    }
    prometheus::ClientMetric& metric = family->metric.emplace_back();
    for (const MetricLabel& label : labels) metric.label.push_back({std::string{label.name}, std::string{label.value}});
    return metric;
  }
  std::vector<prometheus::MetricFamily> all;
};

MetricPage::MetricPage() : families_{std::make_unique<Families>()} {}
MetricPage::~MetricPage() = default;

void MetricPage::counter(std::string_view name, std::string_view help, double value, MetricLabels labels) {
  families_->add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void MetricPage::gauge(std::string_view name, std::string_view help, double value, MetricLabels labels) {
  families_->add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void MetricPage::histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts, double sum) {
  assert(counts.size() == bounds.size() + 1);
  auto& histogram = families_->add(name, help, prometheus::MetricType::Histogram, {}).histogram;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    histogram.sample_count += counts[i];
    if (i < bounds.size()) histogram.bucket.push_back({histogram.sample_count, bounds[i]});
  }
  histogram.sample_sum = sum;
}

std::string MetricPage::text() const {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, families_->all);
  return out.str();
}

}  // namespace tailgate
