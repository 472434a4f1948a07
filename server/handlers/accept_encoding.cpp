#include "server/handlers/accept_encoding.h"

#include <optional>

#include "server/handlers/field_list.h"
#include "server/handlers/quality.h"

namespace tailgate {

bool accepts_gzip(std::string_view accept_encoding) {
  if (accept_encoding.size() > kAcceptEncodingBytesMax) return false;
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> any;
  while (!accept_encoding.empty()) {
    std::string_view parameters = take_until(accept_encoding, ',');
    const std::string_view coding = take_until(parameters, ';');
    const std::optional<int> quality = quality_of(parameters);
    if (!quality) continue;
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) gzip = quality;
    if (equals_ignoring_case(coding, "identity")) identity = quality;
    if (coding == "*") any = quality;
  }
  // Who names identity without a q likes it no better than what it names beside it.
  const int wanted = gzip.value_or(any.value_or(0));
  return wanted > 0 && wanted >= identity.value_or(0);
}

}  // namespace tailgate
