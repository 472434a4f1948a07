#include "bench/load_stream.h"

#include <algorithm>

namespace tailgate::bench {

void LastArrivals::add(const Stamp& stamp, std::int64_t nanoseconds) {
  const auto key = (std::uint64_t{stamp.partition} << 48) | stamp.sequence;
  auto& slot = slots_[(stamp.sequence + stamp.partition * 61U) % slots_.size()];
  if (slot.key != key) {
    if (slot.key != UINT64_MAX) histogram_.add(slot.longest);
    slot = {key, 0};
  }
  slot.longest = std::max(slot.longest, nanoseconds);
}

const Histogram& LastArrivals::finish() {
  for (auto& slot : slots_) {
    if (slot.key != UINT64_MAX) histogram_.add(slot.longest);
    slot.key = UINT64_MAX;
  }
  return histogram_;
}

void LoadStream::take(const Stamp& stamp) {
  ++received_;
  check_.see(stamp, tally_->faults);
  if (received_ == records_ || static_cast<std::int64_t>(stamp.sequence) == until_sequence_) is_complete_ = true;
  if (!tally_->is_measuring) return;
  ++tally_->events;
  const auto latency = tally_->now_ns - stamp.nanoseconds;
  tally_->latency.add(latency);
  tally_->last.add(stamp, latency);
}

}  // namespace tailgate::bench
