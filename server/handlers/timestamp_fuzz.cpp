// Times come from outside: whatever parses lies between 1970 and the year 9999.
#include <cstdint>
#include <cstdlib>

#include "server/handlers/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto wall_ms = tailgate::parse_timestamp({reinterpret_cast<const char*>(data), size});
  if (wall_ms && (*wall_ms < 0 || *wall_ms > 253'402'300'799'999)) std::abort();
  return 0;
}
