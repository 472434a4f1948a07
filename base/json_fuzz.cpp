// Record values come from outside: what counts as JSON is what another parser takes, and text survives being a JSON
// string.
#include "base/json.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/base64.h"
#include "base/utf8.h"

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  const std::string_view text{reinterpret_cast<const char*>(data), size};

  std::string encoded;
  append_base64(encoded, text);
  require(decode_base64(encoded) == text);
  if (const auto bytes = decode_base64(text)) {
    encoded.clear();
    append_base64(encoded, *bytes);
    require(encoded == text);
  }

  const bool is_inlined = is_json(text);
  if (!is_utf8_text(text)) return 0;
  std::string quoted;
  append_json_string(quoted, text);
  require(is_json(quoted) && quoted.find('<') == quoted.npos);
  rapidjson::Document string;
  string.Parse(quoted.data(), quoted.size());
  require(!string.HasParseError() && std::string_view(string.GetString(), string.GetStringLength()) == text);

  rapidjson::Document value;
  value.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  if (is_inlined) {
    require(!value.HasParseError() || value.GetParseError() == rapidjson::kParseErrorNumberTooBig);
  } else if (!value.HasParseError()) {
    // We are stricter in two things only: depth, and low surrogates that stand alone.
    const auto brackets =
        static_cast<std::size_t>(std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{'));
    require(brackets > kJsonDepthMax || text.find("\\u") != text.npos);
  }
  return 0;
}
