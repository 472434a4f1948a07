#include "server/request_counters.h"

#include <cassert>

namespace tailgate {
namespace {

template <class Counts>
void merge(Counts& into, const Counts& from) {
  for (const auto& [kind, count] : from) into[kind] += count;
}

}  // namespace

RequestCounters::RequestCounters(std::size_t loops) {
  for (std::size_t i = 0; i < loops; ++i) shards_.push_back(std::make_unique<Shard>());
}

void RequestCounters::add(const ExchangeSummary& summary, std::size_t loop_index) {
  assert(loop_index < shards_.size());
  Shard& shard = *shards_[loop_index];
  const std::lock_guard lock{shard.mutex};
  ++shard.counts.by_status[summary.status];
  ++shard.counts.by_ending[why_ended_name(summary.why)];
  if (summary.problem.empty()) return;
  auto& problems = shard.counts.by_problem;
  std::string code{summary.problem};
  if (problems.size() >= kKindsMax && !problems.contains(code)) code = "other";
  ++problems[code];
}

RequestCounts RequestCounters::counts() const {
  RequestCounts all;
  for (const auto& shard : shards_) {
    const std::lock_guard lock{shard->mutex};
    merge(all.by_status, shard->counts.by_status);
    merge(all.by_problem, shard->counts.by_problem);
    merge(all.by_ending, shard->counts.by_ending);
  }
  return all;
}

}  // namespace tailgate
