// Redis as the rest of the server sees it: scripts that run there, and what they answer.
//
// Every call has a deadline, none waits behind a Redis that does not answer, and no failure is more than an Error: the
// asker goes on without Redis. Values found there are the outside world: a reply may be anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "base/redis_counters.h"
#include "base/redis_url.h"
#include "base/report_level.h"

namespace tailgate {

struct RedisReply {
  enum class Kind : std::uint8_t { nil, integer, text, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;  // of text and error: any bytes
  std::vector<RedisReply> items;

  bool is_text(std::string_view what) const { return kind == Kind::text && text == what; }
};
using RedisAnswer = Result<RedisReply>;

// A Lua script with the SHA-1 by which Redis knows it. Immutable; made once.
class RedisScript {
 public:
  explicit RedisScript(std::string text);
  const std::string& text() const { return text_; }
  const std::string& sha() const { return sha_; }

 private:
  std::string text_;
  std::string sha_;
};

struct RedisCall {
  const RedisScript& script;      // outlives the call
  std::vector<std::string> keys;  // not empty; of one slot: with the same {tag}
  std::vector<std::string> arguments;
  // So many must have confirmed the write (WAIT), else the call fails though it may have been done. What comes behind
  // it waits too: such calls need a link of their own, with a deadline of a second.
  int replicas = 0;
};

enum class RedisState : std::uint8_t {
  connecting,  // not yet up since the start
  up,
  away,  // the breaker is open, or there is no connection
};

// One io thread's way to Redis.
// Threads: its loop's, but for what says otherwise.
class RedisLink {
 public:
  virtual ~RedisLink() = default;
  // The reply of the script, which is never of Kind::error; or upstream_down: Redis is away, did not answer within the
  // deadline (the script may have run), or refused. The detail says which, for the log.
  virtual Ask<RedisAnswer> run(RedisCall call, std::function<void(RedisAnswer)> then) = 0;
  // Threads: any.
  virtual RedisState state() const = 0;
};

// Gets a line when Redis goes away (and once a minute as long as it stays so), when it comes back, and when it refuses
// (once a minute of each kind). Loop thread.
using RedisLog = std::function<void(ReportLevel, const std::string& line)>;

// What all links of a process share. Immutable.
class RedisSetup {
 public:
  // bad_config: a file of certificates or a key that cannot be used. The options are checked already (redis_url.h).
  static Result<std::unique_ptr<const RedisSetup>> load(RedisOptions options);
  ~RedisSetup();

  // Starts to connect at once. `setup`, `loop`, `counters` outlive the link; destroy it on its loop's thread, or when
  // the loop has stopped.
  std::unique_ptr<RedisLink> open(IoLoop& loop, RedisCounters& counters, RedisLog log) const;

 private:
  struct Parts;
  explicit RedisSetup(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tailgate
