// What the seeds have met: a simulation that never sees a gap proves nothing about gaps.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tailgate::simulation {

enum class Met : std::uint8_t {
  evicted,        // a subscriber fell out of its feed's log
  resumed_event,  // the rest of an event was encoded again
  cut_event,      // or could not be
  gap,
  reset,
  forged,
  fault,
  ahead,  // of the feed, when it joined
  behind,
  live,         // bytes of a feed's log were sent as they are
  live_coded,   // what all of a feed share, compressed
  split_event,  // an event went out in parts
  growth,
  unknown_growth,  // an id named a partition that the replica did not know
  lost_tail,       // the reader lost continuity
  history,         // pages were read
  limit,
  until,
  heartbeat,
  cut_inside,  // a client was cut inside of an event
  restart,     // of a replica
  poll,        // a long poll was answered
  poll_again,  // one that was answered was asked again: its answer was lost on the way
  count_
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Met::count_)> kMetNames{
    "evicted", "resumed_event", "cut_event",  "gap",         "reset",   "forged",         "fault",     "ahead",
    "behind",  "live",          "live_coded", "split_event", "growth",  "unknown_growth", "lost_tail", "history",
    "limit",   "until",         "heartbeat",  "cut_inside",  "restart", "poll",           "poll_again"};

using Coverage = std::array<std::uint64_t, static_cast<std::size_t>(Met::count_)>;

}  // namespace tailgate::simulation
