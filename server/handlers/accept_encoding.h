// How a client wants a stream compressed: RFC 9110 section 12.5.3.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "streams/coding.h"

namespace tailgate {

inline constexpr std::size_t kAcceptEncodingBytesMax = 1024;

// How much a client likes each coding, by index_of(), in thousandths; 0: it does not want it.
using CodingWishes = std::array<int, kCodings>;

// `accept_encoding`: the field's value, empty if there is none. Wanted is what has a q above 0 that is not below that
// of identity. x-gzip is gzip. Never an error: what does not parse is passed over, and a value longer than
// kAcceptEncodingBytesMax asks for nothing.
CodingWishes parse_accept_encoding(std::string_view accept_encoding);

// What a client gets of what the server has; nullopt: it is not compressed.
std::optional<Coding> choose_coding(const CodingWishes& wishes, const CodingSet& had);

}  // namespace tailgate
