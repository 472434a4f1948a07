// Hashes of texts, as lower case hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace tailgate {

std::string sha1_hex(std::string_view text);
std::string sha256_hex(std::string_view text);

}  // namespace tailgate
