// Positions: the last offset passed in each partition.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tailgate {

using Offset = std::int64_t;

// The last passed offset of a partition of which nothing has passed: reading starts at 0.
inline constexpr Offset kNothingPassed = -1;

using TopicPosition = std::map<std::int32_t, Offset>;   // partition -> last passed offset
using Position = std::map<std::string, TopicPosition>;  // topic (its public name) -> …

}  // namespace tailgate
