// Whether a client wants a stream compressed: RFC 9110 section 12.5.3.
#pragma once

#include <cstddef>
#include <string_view>

namespace tailgate {

inline constexpr std::size_t kAcceptEncodingBytesMax = 1024;

// `accept_encoding`: the field's value, empty if there is none. gzip (or x-gzip, or * where gzip is not named) with a
// q above 0 that is not below that of identity. Never an error: what does not parse is passed over, and a value longer
// than kAcceptEncodingBytesMax asks for nothing.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace tailgate
