// What is counted of the answers that the public port gives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/observer.h"

namespace tailgate {

struct RequestCounts {
  std::map<int, std::uint64_t> by_status;               // 0: the client was gone before its answer
  std::map<std::string, std::uint64_t> by_problem;      // the codes of error answers
  std::map<std::string_view, std::uint64_t> by_ending;  // why_ended_name()
};

// Threads: add() on the loop of that index; counts() any.
class RequestCounters {
 public:
  explicit RequestCounters(std::size_t loops);
  void add(const ExchangeSummary& summary, std::size_t loop_index);
  RequestCounts counts() const;

 private:
  // All that we give is ours, so it is few; were it not, the rest would be counted as one.
  static constexpr std::size_t kKindsMax = 64;
  struct alignas(64) Shard {
    mutable std::mutex mutex;  // taken by its loop, and by those who read /metrics
    RequestCounts counts;      // under mutex
  };
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tailgate
