// Where a cluster keeps a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tailgate {

inline constexpr std::size_t kRedisSlots = 16'384;

// By the part of the key between the first '{' and the next '}', if there is something in it, else by all of it.
std::uint16_t redis_slot(std::string_view key);

}  // namespace tailgate
