#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace tailgate::simulation {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// TAILGATE_SEEDS=1 TAILGATE_SEED_FIRST=N runs one seed again.
const std::uint64_t kSeeds = setting("TAILGATE_SEEDS", 20'000);
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

// Each mistake is planted between the real parts; one that stays unseen would stay unseen in them as well.
constexpr int kSeedsPlanted = 300;

int seeds_caught(Plant plant, std::string_view as) {
  Coverage coverage{};
  int caught = 0;
  for (std::uint64_t seed = 0; seed < kSeedsPlanted; ++seed) {
    if (run_seed(seed, plant, coverage, false).failure.starts_with(as)) ++caught;
  }
  std::cout << caught << " of " << kSeedsPlanted << " seeds say: " << as << "\n";
  return caught;
}

TEST(PlantedMistakes, APositionThatResumesOneOffsetTooFarIsCaught) {
  EXPECT_GT(seeds_caught(Plant::off_by_one, "lost"), 0);
}

TEST(PlantedMistakes, AFirstBlockThatDoesNotReachTheClientIsCaught) {
  EXPECT_GT(seeds_caught(Plant::lost_first_id, "lost"), 0);
}

TEST(PlantedMistakes, AGapThatIsNotToldIsCaught) { EXPECT_GT(seeds_caught(Plant::shared_gap, "lost"), 0); }

TEST(PlantedMistakes, AnIdTakenForOneOfThisThreadsOrderIsCaught) {
  EXPECT_GT(seeds_caught(Plant::merge_order, "lost"), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<std::uint64_t>(0, kParts));

}  // namespace
}  // namespace tailgate::simulation
