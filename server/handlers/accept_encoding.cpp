#include "server/handlers/accept_encoding.h"

#include "server/handlers/field_list.h"
#include "server/handlers/quality.h"

namespace tailgate {

namespace {

std::optional<Coding> coding_named(std::string_view name) {
  if (equals_ignoring_case(name, "x-gzip")) return Coding::gzip;
  for (std::size_t i = 0; i < kCodings; ++i) {
    if (equals_ignoring_case(name, kCodingNames[i])) return static_cast<Coding>(i);
  }
  return std::nullopt;
}

}  // namespace

CodingWishes parse_accept_encoding(std::string_view accept_encoding) {
  if (accept_encoding.size() > kAcceptEncodingBytesMax) return {};
  std::array<std::optional<int>, kCodings> named;
  std::optional<int> identity;
  std::optional<int> any;
  while (!accept_encoding.empty()) {
    std::string_view parameters = take_until(accept_encoding, ',');
    const std::string_view name = take_until(parameters, ';');
    const std::optional<int> quality = quality_of(parameters);
    if (!quality) continue;
    if (const auto coding = coding_named(name)) named[index_of(*coding)] = quality;
    if (equals_ignoring_case(name, "identity")) identity = quality;
    if (name == "*") any = quality;
  }
  // Who writes * can be trusted to read what everything reads, not more.
  std::optional<int>& gzip = named[index_of(Coding::gzip)];
  if (!gzip) gzip = any;
  CodingWishes wishes;
  for (std::size_t i = 0; i < kCodings; ++i) {
    // Who names identity without a q likes it no better than what it names beside it.
    const int wanted = named[i].value_or(0);
    wishes[i] = wanted >= identity.value_or(0) ? wanted : 0;
  }
  return wishes;
}

// Of what is liked as much the last one in Coding's order, which costs less.
std::optional<Coding> choose_coding(const CodingWishes& wishes, const CodingSet& had) {
  std::optional<Coding> best;
  int most = 1;
  for (std::size_t i = 0; i < kCodings; ++i) {
    if (!had[i] || wishes[i] < most) continue;
    best = static_cast<Coding>(i);
    most = wishes[i];
  }
  return best;
}

}  // namespace tailgate
