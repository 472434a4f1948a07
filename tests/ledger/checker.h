// Holds what clients saw against what is true. Names of violations as in Jepsen.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/ledger/ledger.h"
#include "tests/ledger/truth.h"

namespace tailgate::ledger {

struct Violation {
  enum class Kind : std::uint8_t {
    nonmonotonic,  // an offset, or a component of an id, that goes back within a connection
    duplicate,     // a record seen again on a later connection
    skip,          // a committed record passed over, with no gap that names it
    phantom,       // a record that was never committed, or with other bytes
    inconsistent,  // two contents for one offset among all clients
    lost,          // committed, below what others saw, and seen by no client whose range covers it
    false_gap,     // a gap (or reset) over what is still there
    unseen,        // not delivered at the end, when everything had healed
    silence,       // no byte for longer than promised
    stuck,         // no progress while progress was required
    away,          // a client got no answer for too long
    turned_away,   // an EventSource was answered with what it gives up on
    malformed,     // bytes that are not what the contract says
  };
  Kind kind;
  std::int32_t client;  // -1: of all clients
  std::size_t entry;    // index into the client's entries
  std::string text;
};
std::string_view name_of(Violation::Kind kind);

struct Rules {
  std::int64_t silence_max_us = 16'000'000;  // and what a long poll waits when there is nothing
  // Stretches of time in which each partition that is written to must reach some client at least every `pace_us`.
  struct Progress {
    std::int64_t from_us;
    std::int64_t to_us;
    std::int64_t pace_us;
  };
  std::vector<Progress> progress;
  // How long a client may be without an answered request, from the end of one to the 200 of the next: those that stay
  // away not counted, and not what lies within an outage, after which the time begins anew.
  std::int64_t away_max_us = std::numeric_limits<std::int64_t>::max();
  std::vector<std::pair<std::int64_t, std::int64_t>> outages;
  // No EventSource may ever be answered with anything but 200: it would not come back.
  bool refusals_are_soft = false;
  bool resets_allowed = false;
  bool everything_must_be_seen = true;
  std::size_t violations_max = 100;
};

using Partitions = std::map<PartitionName, TruePartition>;

std::vector<Violation> check(const Ledger& ledger, const Partitions& truth, const Rules& rules);

// True when `id` has passed every committed record that the plan's client is to see.
bool has_passed_all(const ClientPlan& plan, const std::string& id, const Partitions& truth);

// What a person needs to begin with: the seed, the timeline of the run, and the 20 lines around the first violation.
std::string report(const Ledger& ledger, const std::vector<Violation>& violations, std::uint64_t seed,
                   const std::vector<std::string>& timeline);

}  // namespace tailgate::ledger
