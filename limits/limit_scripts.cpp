#include "limits/limit_scripts.h"

#include <string>

namespace tailgate {
namespace {

constexpr const char* kTake = R"(
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local interval, burst, wanted, owed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = tonumber(redis.call('GET', KEYS[1]) or now) or now
local is_changed = owed > 0 or full > now + 2 * burst
if not (full >= now) then full = now end
if full > now + 2 * burst then full = now + burst end
full = math.min(full + owed * interval, now + 2 * burst)
local there = math.max(0, math.floor((now + burst - full) / interval + 0.000001))
local granted = math.min(wanted, there)
full = full + granted * interval
if granted > 0 or is_changed then
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', (full - now) / 1000 + 1000))
end
local retry = 0
if there == granted then retry = full + interval - burst - now + 1 end
return {granted, there - granted, retry}
)";

constexpr const char* kLeases = R"(
local key, lease = KEYS[1], tonumber(ARGV[1])
local kind = redis.call('TYPE', key).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', key) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function hold(place)
  redis.call('ZADD', key, text(now + lease), place)
  redis.call('PEXPIRE', key, text(2 * lease))
end
-- A clock that was set back has left ends that are too far away: they count from now on.
local function pull_in()
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', key, text(now + 2 * lease), '+inf', 'LIMIT', 0, 1000)) do
    redis.call('ZADD', key, text(now + lease), other)
  end
end
redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
)";

constexpr const char* kTakeSlot = R"(
local max, place = tonumber(ARGV[2]), ARGV[3]
if redis.call('ZCARD', key) >= max and not redis.call('ZSCORE', key, place) then
  pull_in()
  return 0
end
hold(place)
return 1
)";

constexpr const char* kRenewSlots = R"(
for i = 2, #ARGV do hold(ARGV[i]) end
return 1
)";

constexpr const char* kLeaveSlot = R"(
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
)";

constexpr const char* kCountReplicas = R"(
pull_in()
hold(ARGV[2])
return redis.call('ZCARD', key)
)";

}  // namespace

const LimitScripts& limit_scripts() {
  static const LimitScripts kScripts{
      .take = RedisScript{kTake},
      .take_slot = RedisScript{std::string{kLeases} + kTakeSlot},
      .renew_slots = RedisScript{std::string{kLeases} + kRenewSlots},
      .leave_slot = RedisScript{kLeaveSlot},
      .count_replicas = RedisScript{std::string{kLeases} + kCountReplicas},
  };
  return kScripts;
}

}  // namespace tailgate
