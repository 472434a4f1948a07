#include "server/handlers/accept.h"

#include <algorithm>
#include <array>
#include <string>

#include "server/handlers/field_list.h"
#include "server/handlers/quality.h"

namespace tailgate {
namespace {

constexpr std::array kRepresentations = {Representation::sse, Representation::json, Representation::ndjson};

constexpr std::string_view kNotAcceptable =
    "a stream comes as text/event-stream, application/json or application/x-ndjson, and Accept takes none of them";

// 3: the type itself, 2: its kind (text/*), 1: anything, 0: no match.
int specificity(std::string_view range, std::string_view type) {
  if (equals_ignoring_case(range, type)) return 3;
  if (range == "*/*" || range == "*") return 1;
  const std::string_view kind = type.substr(0, type.find('/') + 1);
  return range.ends_with("/*") && equals_ignoring_case(range.substr(0, range.size() - 1), kind) ? 2 : 0;
}

struct Match {
  int specificity = 0;
  int quality = 0;
  std::size_t place = 0;
};

}  // namespace

Result<Negotiated> negotiate(std::string_view accept) {
  if (accept.size() > kAcceptBytesMax) return Error{ErrorCode::bad_request, "Accept is longer than 1 KiB"};
  Negotiated accepted;
  std::array<Match, kRepresentations.size()> matches{};
  std::size_t place = 0;
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const std::string_view range = take_until(parameters, ';');
    if (range.empty()) continue;
    const std::optional<int> quality = quality_of(parameters);
    ++place;
    if (!quality) continue;
    for (const Representation representation : kRepresentations) {
      Match& match = matches[static_cast<std::size_t>(representation)];
      const int found = specificity(range, media_type_of(representation));
      if (found > match.specificity) match = {found, *quality, place};
    }
    if (place == 1) accepted.is_event_source = equals_ignoring_case(range, media_type_of(Representation::sse));
  }
  if (place == 0) return accepted;  // no field, or an empty one: everything is welcome
  const Match* best = nullptr;
  for (const Representation representation : kRepresentations) {
    const Match& match = matches[static_cast<std::size_t>(representation)];
    if (match.quality == 0) continue;
    if (best && (match.quality < best->quality || (match.quality == best->quality && match.place >= best->place)))
      continue;
    best = &match;
    accepted.representation = representation;
  }
  if (!best) return Error{ErrorCode::not_acceptable, std::string{kNotAcceptable}};
  return accepted;
}

std::optional<Representation> representation_named(std::string_view name) {
  for (const Representation representation : kRepresentations) {
    if (name == name_of(representation)) return representation;
  }
  return std::nullopt;
}

std::string_view name_of(Representation representation) {
  switch (representation) {
    case Representation::sse:
      return "sse";
    case Representation::json:
      return "json";
    case Representation::ndjson:
      break;
  }
  return "ndjson";
}

std::string_view media_type_of(Representation representation) {
  switch (representation) {
    case Representation::sse:
      return "text/event-stream";
    case Representation::json:
      return "application/json";
    case Representation::ndjson:
      break;
  }
  return "application/x-ndjson";
}

}  // namespace tailgate
