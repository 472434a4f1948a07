// JSON strings as this server writes them, and what may be inlined as JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tailgate {

// Values that are nested deeper are no JSON here: a client's parser would give up on the envelope around them.
inline constexpr std::size_t kJsonDepthMax = 512;

// The text with quotes around it. Besides what JSON asks for, '<', U+2028, U+2029 and the controls of text direction
// are escaped, so that the output can stand in HTML and JavaScript and shows what it says. `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

// One JSON value (RFC 8259, without half surrogate pairs) and nothing else but white space around it, at most
// kJsonDepthMax deep. `text` is UTF-8. Own code, because RapidJSON refuses numbers beyond a double even where it keeps
// them as text.
bool is_json(std::string_view text);

}  // namespace tailgate
