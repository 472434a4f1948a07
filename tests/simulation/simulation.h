// Random replicas, threads and clients on a random Kafka, from one number; an oracle looks at every client.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/coverage.h"

namespace tailgate::simulation {

// A mistake put between the real parts, that the oracle must catch.
enum class Plant : std::uint8_t {
  none,
  off_by_one,     // a position resumes one offset too far
  lost_first_id,  // the first block does not reach the client
  shared_gap,     // `gap` does not reach the client
  merge_order,    // a partition that is ahead or behind is taken for in step
};

struct Outcome {
  std::string failure;  // empty: exact
  std::string log;      // the last things that happened, when asked for
};

// `coverage` is added to: 1 for each thing that was met.
Outcome run_seed(std::uint64_t seed, Plant plant, Coverage& coverage, bool with_log);

}  // namespace tailgate::simulation
