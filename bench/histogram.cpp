#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tailgate::bench {
namespace {

constexpr unsigned kSubBits = 7;
constexpr std::uint64_t kSubBuckets = 1U << kSubBits;

std::size_t bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  return (shift + 1) * kSubBuckets + ((value >> shift) - kSubBuckets);
}

std::int64_t upper_edge(std::size_t bucket) {
  if (bucket < kSubBuckets) return static_cast<std::int64_t>(bucket);
  const auto shift = bucket / kSubBuckets - 1;
  const auto mantissa = bucket % kSubBuckets + kSubBuckets;
  return static_cast<std::int64_t>(((mantissa + 1) << shift) - 1);
}

}  // namespace

Histogram::Histogram() : buckets_((64 - kSubBits + 1) * kSubBuckets) {}

void Histogram::add(std::int64_t nanoseconds) {
  const auto value = std::max<std::int64_t>(nanoseconds, 0);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(value))];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::clear() { *this = Histogram{}; }

std::int64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(upper_edge(i), max_);
  }
  return max_;
}

}  // namespace tailgate::bench
