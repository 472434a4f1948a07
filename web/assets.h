// The files of the console, compiled into the binary.
#pragma once

#include <span>
#include <string_view>

namespace tailgate {

struct Asset {
  std::string_view path;          // as requested: "/", "/console/console.js"
  std::string_view content_type;  // with charset
  std::string_view bytes;         // lives as long as the program
  std::string_view etag;          // strong, quoted, made from the bytes
};

// Every file of the console; "/" is its page.
std::span<const Asset> console_assets();

// The file served at `path` (raw, without query), or null.
const Asset* find_asset(std::string_view path);

// Goes out with each of them. All that the console needs comes from where it came from itself, and nothing is inline.
inline constexpr std::string_view kConsoleSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace tailgate
