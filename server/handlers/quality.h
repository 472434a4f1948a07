// How much a client likes an alternative: the `q` of Accept and of Accept-Encoding (RFC 9110 section 12.4.2).
#pragma once

#include <optional>
#include <string_view>

namespace tailgate {

inline constexpr int kQualityMax = 1000;

// In thousandths; at most one digit, then at most three decimals. nullopt: it is none.
std::optional<int> parse_quality(std::string_view text);

// Of what stands behind an alternative, "; q=0.5; x=y": kQualityMax where there is no q.
std::optional<int> quality_of(std::string_view parameters);

}  // namespace tailgate
