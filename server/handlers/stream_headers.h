// The fields that every answer of a stream carries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/handlers/accept.h"
#include "server/http/exchange.h"

namespace tailgate {

// Longer ids stay out of response fields: proxies have limits of their own.
inline constexpr std::size_t kHeaderIdBytesMax = 1024;

// What an answer at the URL of a stream may depend on, errors and refusals too.
inline constexpr std::string_view kStreamVary = "Accept, Prefer, Last-Event-ID, Authorization, Cookie";

// Where open-ended streams may be compressed, these say so to caches besides kStreamVary.
enum class Coding : std::uint8_t {
  none,      // never compressed
  identity,  // this client does not want it
  gzip,
};

// `id`: where the stream really starts; empty: not said.
inline std::vector<ResponseField> stream_headers(Representation representation, const std::string& id,
                                                 Coding coding = Coding::none) {
  constexpr std::size_t kWithThoseOfAllAnswers = 10;
  std::vector<ResponseField> headers;
  headers.reserve(kWithThoseOfAllAnswers);
  headers.push_back({"Content-Type", std::string{media_type_of(representation)}});
  headers.push_back({"Cache-Control", "no-store, no-transform"});
  headers.push_back({"X-Accel-Buffering", "no"});
  headers.push_back({"Vary", std::string{kStreamVary}});
  if (coding != Coding::none) headers.back().value += ", Accept-Encoding";
  if (coding == Coding::gzip) headers.push_back({"Content-Encoding", "gzip"});
  if (!id.empty() && id.size() <= kHeaderIdBytesMax) headers.push_back({"Last-Event-ID", id});
  return headers;
}

}  // namespace tailgate
