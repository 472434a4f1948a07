// Percent-encoding of paths and queries (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tailgate {

enum class Plus : bool {
  as_it_is,
  is_space
};  // in paths; in queries, where forms and URLSearchParams write it for a space

// Decodes once. nullopt: a '%' without two hexadecimal digits behind it.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

// Everything but the unreserved characters (letters, digits, "-._~") as %XX.
void append_percent_encoded(std::string& out, std::string_view text);

}  // namespace tailgate
