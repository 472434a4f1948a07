#include "server/handlers/quality.h"

#include <cstddef>

#include "server/handlers/field_list.h"

namespace tailgate {

std::optional<int> parse_quality(std::string_view text) {
  int value = 0;
  int unit = kQualityMax;
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '0' || text[i] == '1')) value = (text[i++] - '0') * unit;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && unit > 1 && text[i] >= '0' && text[i] <= '9'; ++i)
      value += (text[i] - '0') * (unit /= 10);
  }
  if (text.empty() || i != text.size() || value > kQualityMax) return std::nullopt;
  return value;
}

std::optional<int> quality_of(std::string_view parameters) {
  std::optional<int> quality = kQualityMax;
  while (!parameters.empty()) {
    std::string_view value = take_until(parameters, ';');
    if (equals_ignoring_case(take_until(value, '='), "q")) quality = parse_quality(trimmed(value));
  }
  return quality;
}

}  // namespace tailgate
