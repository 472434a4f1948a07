// The fields that every answer of a stream carries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/handlers/accept.h"
#include "server/http/exchange.h"
#include "streams/coding.h"

namespace tailgate {

// Longer ids stay out of response fields: proxies have limits of their own.
inline constexpr std::size_t kHeaderIdBytesMax = 1024;

// What an answer at the URL of a stream may depend on, errors and refusals too.
inline constexpr std::string_view kStreamVary = "Accept, Prefer, Last-Event-ID, Authorization, Cookie";

// Answers that might have been compressed for somebody else say so to caches.
struct Compression {
  bool is_possible = false;
  std::optional<Coding> coding;  // of this one
};

// `id`: where the stream really starts; empty: not said.
inline std::vector<ResponseField> stream_headers(Representation representation, const std::string& id,
                                                 const Compression& compression = {}) {
  constexpr std::size_t kWithThoseOfAllAnswers = 10;
  std::vector<ResponseField> headers;
  headers.reserve(kWithThoseOfAllAnswers);
  headers.push_back({"Content-Type", std::string{media_type_of(representation)}});
  headers.push_back({"Cache-Control", "no-store, no-transform"});
  headers.push_back({"X-Accel-Buffering", "no"});
  headers.push_back({"Vary", std::string{kStreamVary}});
  if (compression.is_possible) headers.back().value += ", Accept-Encoding";
  if (compression.coding) headers.push_back({"Content-Encoding", std::string{name_of(*compression.coding)}});
  if (!id.empty() && id.size() <= kHeaderIdBytesMax) headers.push_back({"Last-Event-ID", id});
  return headers;
}

}  // namespace tailgate
