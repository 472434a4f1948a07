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
inline constexpr std::string_view kStreamVary = "Origin, Accept, Prefer, Last-Event-ID, Authorization, Cookie";
inline constexpr std::string_view kCompressibleStreamVary =
    "Origin, Accept, Prefer, Last-Event-ID, Authorization, Cookie, Accept-Encoding";

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
  headers.push_back({"Content-Type", FieldValue::constant(media_type_of(representation))});
  headers.push_back({"Cache-Control", FieldValue::constant("no-store, no-transform")});
  headers.push_back({"X-Accel-Buffering", FieldValue::constant("no")});
  headers.push_back({"Vary", FieldValue::constant(compression.is_possible ? kCompressibleStreamVary : kStreamVary)});
  if (compression.coding) headers.push_back({"Content-Encoding", FieldValue::constant(name_of(*compression.coding))});
  if (!id.empty() && id.size() <= kHeaderIdBytesMax) headers.push_back({"Last-Event-ID", id});
  return headers;
}

}  // namespace tailgate
