// Accept-Encoding comes from outside: any bytes have an answer, white space around them changes nothing, and whoever
// refuses a coding at the end does not get it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/handlers/accept_encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  const std::string text{reinterpret_cast<const char*>(data), size};
  const CodingWishes wishes = parse_accept_encoding(text);
  if (size + 10 > kAcceptEncodingBytesMax) return 0;
  if (parse_accept_encoding(" " + text + '\t') != wishes) std::abort();
  for (std::size_t i = 0; i < kCodings; ++i) {
    const std::string refused = text + "," + std::string{kCodingNames[i]} + ";q=0";
    if (parse_accept_encoding(refused)[i] != 0) std::abort();
  }
  return 0;
}
