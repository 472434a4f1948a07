// Redis's protocol (RESP2): commands as bytes, replies out of bytes that may be anything.
#pragma once

#include <hiredis/read.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/c_handle.h"
#include "base/error.h"
#include "base/redis.h"

namespace tailgate {

inline constexpr std::size_t kRedisReplyBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kRedisReplyItemsMax = 65'536;

void append_redis_command(std::string& out, std::initializer_list<std::string_view> words);

// The same for a number of words that is known only when it runs.
void append_redis_header(std::string& out, std::size_t words);
void append_redis_word(std::string& out, std::string_view word);

// Nothing is allocated by a length alone: what is kept grows with the bytes that came (and kRedisReplyItemsMax).
class RedisReplyReader {
 public:
  RedisReplyReader();
  void feed(std::string_view bytes);
  // The next whole reply; nullopt: more bytes are needed. upstream_down: no RESP2, deeper than 7 arrays, larger than
  // kRedisReplyBytesMax, more than kRedisReplyItemsMax in an array; the connection is of no more use.
  Result<std::optional<RedisReply>> next();

 private:
  using Handle = CHandle<redisReader, redisReaderFree>;
  Handle reader_;
  std::size_t pending_bytes_ = 0;  // fed since the last whole reply
};

}  // namespace tailgate
