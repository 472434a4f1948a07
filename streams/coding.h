// The ways in which streams may be compressed, named as HTTP names them (RFC 9110 section 8.4.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tailgate {

enum class Coding : std::uint8_t { gzip, zstd };
inline constexpr std::size_t kCodings = 2;
inline constexpr std::array<std::string_view, kCodings> kCodingNames{"gzip", "zstd"};

constexpr std::size_t index_of(Coding coding) { return static_cast<std::size_t>(coding); }
constexpr std::string_view name_of(Coding coding) { return kCodingNames[index_of(coding)]; }

// Some of them, by index_of().
using CodingSet = std::array<bool, kCodings>;

}  // namespace tailgate
