// Counts of durations in buckets whose width grows with the value: 128 buckets for each doubling, so a quantile is
// right to 0.8 %.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tailgate::bench {

class Histogram {
 public:
  Histogram();
  void add(std::int64_t nanoseconds);  // a negative duration (a clock stepped back) counts as 0
  void clear();
  std::uint64_t count() const { return count_; }
  std::int64_t max() const { return max_; }
  // The upper edge of the bucket that holds the q-th of all values (q in [0, 1]); 0 without values.
  std::int64_t quantile(double q) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace tailgate::bench
