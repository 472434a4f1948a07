// Whatever comes from a Redis, in pieces: replies within the bounds, or an error; nothing is lost and nothing crashes.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/redis_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const std::size_t piece = data[0] % 7u + 1u;
  bytes.remove_prefix(1);
  tailgate::RedisReplyReader reader;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto reply = reader.next();
      if (!reply) return 0;
      if (!*reply) break;
    }
  }
  return 0;
}
