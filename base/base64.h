// Base64 as of RFC 4648 section 4, with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tailgate {

void append_base64(std::string& out, std::string_view bytes);

// Takes exactly what append_base64 would write for something: no white space, no other alphabet, right padding, no
// stray bits.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tailgate
