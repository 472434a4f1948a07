#include "cursors/cursor_scripts.h"

#include <string>

namespace tailgate {
namespace {

constexpr const char* kNow = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
)";

// load() gives the fields, nil where there is no cursor, and false where something else lies: another type, too much,
// or values that no script of ours has written.
constexpr const char* kLoad = R"(
local key = KEYS[1]
local ttl = tonumber(ARGV[1])
local function is_number(value, max)
  if #value > #max or (#value == #max and value > max) then return false end
  return value == '0' or string.match(value, '^[1-9]%d*$')
end
local offset_max, int_max = '9223372036854775807', '2147483647'
local function load()
  local size = redis.pcall('HLEN', key)
  if size == 0 then return nil end
  if type(size) ~= 'number' or size > 600 then return false end
  local all, fields = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    if #field > 300 then return false end
    local which = string.match(field, '^[%w._-]+:(%w+)$')
    if which == 'n' then
      if not is_number(value, int_max) then return false end
    elseif which then
      if not is_number(which, int_max) or not (value == '-' or is_number(value, offset_max)) then return false end
    elseif (field ~= 'g' and field ~= 'u' and field ~= 'i') or not is_number(value, offset_max) then
      return false
    end
    fields[field] = value
  end
  if not fields.g or not fields.u then return false end
  return fields
end
local function finish(fields)
  redis.call('PEXPIRE', key, ttl)
  local tell = 0
  if not fields.i or tonumber(fields.i) > now or now - tonumber(fields.i) > ttl / 10 then
    redis.call('HSET', key, 'i', text(now))
    tell = 1
  end
  local answer = {'ok', tell, fields.g, fields.u}
  for field, value in pairs(fields) do
    if #field > 1 then
      answer[#answer + 1] = field
      answer[#answer + 1] = value
    end
  end
  return answer
end
)";

constexpr const char* kRead = R"(
local fields = load()
if fields == nil then return {'absent'} end
if fields == false then return {'damaged'} end
return finish(fields)
)";

// A generation that replaces one which cannot be read has to be above it: the time is.
constexpr const char* kMove = R"(
local is_reset, generation, may_be_made, width_max = ARGV[2] == 'reset', ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
local function is_above(a, b)
  if a == '-' or b == '-' then return b == '-' and a ~= '-' end
  if #a ~= #b then return #a > #b end
  return a > b
end
local fields = load()
local is_new = not fields
if fields == false and not is_reset then return {'damaged'} end
if fields == nil and not may_be_made then return {'absent'} end
if generation ~= '' and (is_new or generation ~= fields.g) then return {'fenced'} end
local was_damaged = fields == false
if is_new then
  fields = {g = was_damaged and text(now) or '1'}
elseif is_reset then
  fields.g = text(tonumber(fields.g) + 1)
end
local changes, width = {}, 0
for field in pairs(fields) do
  if string.match(field, ':%d+$') then width = width + 1 end
end
for i = 6, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local old = fields[field]
  local is_offset = string.match(field, ':%d+$')
  if is_offset and not old then width = width + 1 end
  if not old or (is_offset and old ~= value and (is_reset or is_above(value, old))) then
    fields[field] = value
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
end
if width > width_max then return {'wide'} end
if was_damaged then redis.call('DEL', key) end
if is_new or is_reset or #changes > 0 then
  fields.u = text(now)
  redis.call('HSET', key, 'g', fields.g, 'u', fields.u, unpack(changes))
end
return finish(fields)
)";

// An index that is something else is made anew, and a name whose end is too far away (a clock that was set back, or
// none of ours has written it) is forgotten: it only counts, and a cursor that is used is told to it again.
constexpr const char* kAdmit = R"(
local key, name, ttl, names_max = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kind = redis.call('TYPE', key).ok
if kind ~= 'none' and kind ~= 'zset' then redis.call('DEL', key) end
redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', key, text(now + 2 * ttl), '+inf')
if not redis.call('ZSCORE', key, name) and redis.call('ZCARD', key) >= names_max then return 0 end
redis.call('ZADD', key, text(now + ttl), name)
redis.call('PEXPIRE', key, ttl)
return 1
)";

}  // namespace

const CursorScripts& cursor_scripts() {
  static const CursorScripts kScripts{
      .read = RedisScript{std::string{kNow} + kLoad + kRead},
      .move = RedisScript{std::string{kNow} + kLoad + kMove},
      .erase = RedisScript{"return redis.call('DEL', KEYS[1])"},
      .admit = RedisScript{std::string{kNow} + kAdmit},
      .forget = RedisScript{"if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return 0 end return redis.call('ZREM', "
                            "KEYS[1], ARGV[1])"},
  };
  return kScripts;
}

}  // namespace tailgate
