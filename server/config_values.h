// The kinds of values that settings have, as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tailgate {

// "on", "off", "true", "false", "yes", "no", "1", "0".
std::optional<bool> parse_switch(std::string_view text);

// A whole number and ms, s, m, h or d.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
std::string format_duration(std::int64_t ms);

// A whole number and nothing, B, KiB, MiB or GiB.
std::optional<std::size_t> parse_size(std::string_view text);
std::string format_size(std::size_t bytes);

}  // namespace tailgate
