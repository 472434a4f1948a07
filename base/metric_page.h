// The text of /metrics, put together when it is asked for (Prometheus's exposition format 0.0.4).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tailgate {

struct MetricLabel {
  std::string_view name;
  std::string_view value;
};
using MetricLabels = std::initializer_list<MetricLabel>;

// Samples of one name are added one behind the other; the help of the first one counts.
//
//   MetricPage page;
//   page.counter("tailgate_records_out_total", "Records delivered.", 7);
class MetricPage {
 public:
  MetricPage();
  ~MetricPage();
  MetricPage(const MetricPage&) = delete;
  MetricPage& operator=(const MetricPage&) = delete;

  void counter(std::string_view name, std::string_view help, double value, MetricLabels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, MetricLabels labels = {});
  // `counts[i]`: observations up to bounds[i] and above the bound before; the last one: above all bounds.
  void histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum);

  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace tailgate
