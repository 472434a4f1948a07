// Waiting in tests: ask until it is so, never sleep and hope.
#pragma once

#include <chrono>
#include <functional>

namespace tailgate::test {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// Sanitizers and a shared machine make everything slower: what should take a moment gets this long.
inline constexpr std::chrono::seconds kPatience{30};

inline Deadline in(std::chrono::milliseconds span) { return Clock::now() + span; }

// Asks every few milliseconds. False when the deadline passed and it still was not so.
[[nodiscard]] bool eventually(const std::function<bool()>& is_so, Deadline deadline = in(kPatience));

}  // namespace tailgate::test
