#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace tailgate::simulation {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// TAILGATE_SEEDS=1 TAILGATE_SEED_FIRST=N runs one seed again.
const std::uint64_t kSeeds = setting("TAILGATE_SEEDS", 24'000);
const std::uint64_t kFirst = setting("TAILGATE_SEED_FIRST", 0);
constexpr std::uint64_t kParts = 4;

class Simulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Simulation, EveryClientSeesEveryRecordOnceAndInOrderWhateverHappens) {
  Coverage coverage{};
  std::uint64_t seeds = 0;
  for (std::uint64_t seed = kFirst + GetParam(); seed < kFirst + kSeeds; seed += kParts) {
    const Outcome outcome = run_seed(seed, Plant::none, coverage, false);
    ++seeds;
    if (outcome.failure.empty()) continue;
    Coverage again{};
    FAIL() << "seed " << seed << ": " << outcome.failure << "\n" << run_seed(seed, Plant::none, again, true).log;
  }
  for (std::size_t i = 0; i < coverage.size(); ++i) {
    std::cout << kMetNames[i] << " in " << coverage[i] << " of " << seeds << " seeds\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<std::uint64_t>(0, kParts));

}  // namespace
}  // namespace tailgate::simulation
