#include "server/handlers/query.h"

#include <algorithm>
#include <optional>

#include "base/nearest_name.h"
#include "base/percent.h"

namespace tailgate {
namespace {

Error bad_request(std::string detail) { return {ErrorCode::bad_request, std::move(detail)}; }

// Names come from outside and are not repeated: an unknown one is told by its place.
Error unknown(std::size_t place, std::string_view name, const KnownParameters& known) {
  const std::string which = "query parameter " + std::to_string(place) + " is not known";
  if (known.names.empty()) return bad_request(which + ": there are none here");
  return bad_request(which + "; did you mean " + std::string{nearest_name(name, known.names)} + '?');
}

}  // namespace

Result<std::vector<QueryParameter>> parse_query(std::string_view query, const KnownParameters& known) {
  std::vector<QueryParameter> parameters;
  if (!query.empty()) {
    const auto parted = static_cast<std::size_t>(std::count(query.begin(), query.end(), '&'));
    parameters.reserve(std::min(parted + 1, kQueryPairsMax));
  }
  std::size_t place = 0;
  std::size_t counted = 0;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view pair = query.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) continue;
    ++place;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::optional<std::string> name = percent_decode(pair.substr(0, equals), Plus::is_space);
    std::optional<std::string> value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::is_space);
    if (!name || !value) {
      return bad_request("query parameter " + std::to_string(place) +
                         " has a '%' without two hexadecimal digits behind it");
    }
    if (known.uncounted.empty() || *name != known.uncounted) ++counted;
    if (counted > kQueryPairsMax) return bad_request("the query has more than 64 parameters");
    if (name->starts_with('_')) continue;
    const auto it = std::find(known.names.begin(), known.names.end(), *name);
    if (it == known.names.end()) return unknown(place, *name, known);
    const auto is_same = [it](const QueryParameter& other) { return other.name == *it; };
    if (*it != known.repeatable && std::any_of(parameters.begin(), parameters.end(), is_same)) {
      return bad_request(std::string{*it} + " is given more than once");
    }
    parameters.push_back({*it, std::move(*value)});
  }
  return parameters;
}

}  // namespace tailgate
