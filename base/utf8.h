// What counts as text.
#pragma once

#include <string_view>

namespace tailgate {

// Valid UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF) without NUL. Empty is text.
bool is_utf8_text(std::string_view bytes);

// The same for most lines of text with one look: ASCII without control characters up to U+000D. False says nothing.
bool is_plain_line(std::string_view bytes);

}  // namespace tailgate
