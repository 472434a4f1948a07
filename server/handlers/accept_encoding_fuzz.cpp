// Accept-Encoding comes from outside: any bytes have an answer, white space around them changes nothing, and whoever
// refuses gzip at the end does not get it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/handlers/accept_encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  const std::string text{reinterpret_cast<const char*>(data), size};
  const bool accepted = accepts_gzip(text);
  if (size + 10 > kAcceptEncodingBytesMax) return 0;
  if (accepts_gzip(" " + text + '\t') != accepted) std::abort();
  if (accepts_gzip(text + ",gzip;q=0")) std::abort();
  return 0;
}
