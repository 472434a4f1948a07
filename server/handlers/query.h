// The query of a request target, taken apart: what all handlers ask of one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailgate {

inline constexpr std::size_t kQueryPairsMax = 64;

struct QueryParameter {
  std::string_view name;  // one of those asked for
  std::string value;      // decoded: any bytes
};

// What a handler knows.
struct KnownParameters {
  std::span<const std::string_view> names;
  std::string_view repeatable = {};  // the one of them that may be given more than once
  std::string_view uncounted = {};   // the one that links of ours add: kQueryPairsMax is without it
};

// Pairs are parted by '&' alone (a ';' belongs to the value), '+' is a space, no '=' is an empty value, an empty pair
// nothing. Names that begin with '_' are passed over: cache busters of clients. bad_request: more than kQueryPairsMax
// pairs, a broken percent escape, an unknown name (the sentence names the nearest known one), one
// given twice.
Result<std::vector<QueryParameter>> parse_query(std::string_view query, const KnownParameters& known);

}  // namespace tailgate
