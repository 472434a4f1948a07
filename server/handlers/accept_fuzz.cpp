// Accept comes from outside: any bytes have an answer, and it is the same with and without white space around them.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/handlers/accept.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto accepted = negotiate(text);
  if (text.size() + 2 > kAcceptBytesMax) return 0;
  const auto spaced = negotiate(' ' + std::string{text} + '\t');
  const bool is_same =
      accepted.has_value() == spaced.has_value() && (!accepted || accepted->representation == spaced->representation);
  if (!is_same) std::abort();
  return 0;
}
