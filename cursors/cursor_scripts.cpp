#include "cursors/cursor_scripts.h"

#include <string>

namespace tailgate {
namespace {

// What all begin with. A generation is a number that Lua can count: its doubles are exact below 2^53.
constexpr const char* kBegin = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local generation_max = '9007199254740991'
)";

// load() gives the fields, nil where there is no cursor, and false where something else lies: another type, too much,
// or values that no script of ours has written. Megabytes are not even read: that alone takes Lua longer than who asks
// waits, and all others wait with it. (600 of the longest fields are half of the bound; an answer that is no number is
// that of a Redis which does not let this user ask.)
constexpr const char* kLoad = R"(
local key = KEYS[1]
local offset_max, int_max = '9223372036854775807', '2147483647'
local function is_number(value, max)
  if #value > #max or (#value == #max and value > max) then return false end
  return value == '0' or string.match(value, '^[1-9]%d*$')
end
local function load()
  local size = redis.pcall('HLEN', key)
  if size == 0 then return nil end
  if type(size) ~= 'number' or size > 600 then return false end
  local bytes = redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', 0)
  if type(bytes) == 'number' and bytes > 524288 then return false end
  local all, fields = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    if #field > 300 then return false end
    local which = string.match(field, '^[%w._-]+:(%w+)$')
    if which == 'n' then
      if not is_number(value, int_max) then return false end
    elseif which then
      if not is_number(which, int_max) or not (value == '-' or is_number(value, offset_max)) then return false end
    elseif field == 'g' then
      if not is_number(value, generation_max) then return false end
    elseif (field ~= 'u' and field ~= 'i') or not is_number(value, offset_max) then
      return false
    end
    fields[field] = value
  end
  if not fields.g or not fields.u then return false end
  return fields
end
)";

constexpr const char* kFinish = R"(
local ttl = tonumber(ARGV[1])
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
local is_reset, generation, first, width_max = ARGV[2] == 'reset', ARGV[3], ARGV[4], tonumber(ARGV[5])
local function is_above(a, b)
  if a == '-' or b == '-' then return b == '-' and a ~= '-' end
  if #a ~= #b then return #a > #b end
  return a > b
end
local fields = load()
local is_new = not fields
if fields == false and not is_reset then return {'damaged'} end
if fields == nil and first == '' then return {'absent'} end
if generation ~= '' and (is_new or generation ~= fields.g) then return {'fenced'} end
local was_damaged = fields == false
if is_new then
  fields = {g = was_damaged and text(now) or first}
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

constexpr const char* kErase = R"(
local fields = load()
if fields == nil then return {'absent'} end
local generation = fields and fields.g or '-'
if ARGV[1] ~= generation then return {'raise', generation} end
redis.call('DEL', key)
return {'absent'}
)";

// An index that is something else is made anew, and where a floor cannot have been counted, what it was is lost: the
// time is above it.
constexpr const char* kIndex = R"(
local index, ttl, floor = KEYS[1], tonumber(ARGV[1]), nil
local kind = redis.call('TYPE', index).ok
if kind == 'zset' then
  floor = tonumber(redis.call('ZSCORE', index, ':'))
  if floor and (floor < 1 or floor > tonumber(generation_max) or floor % 1 ~= 0) then floor = now end
elseif kind ~= 'none' then
  redis.call('DEL', index)
  floor = now
end
local function keep_floor()
  redis.call('ZADD', index, text(floor), ':')
  redis.call('PEXPIRE', index, ttl)
end
)";

constexpr const char* kRaise = R"(
local above = (ARGV[2] == '-' and now or tonumber(ARGV[2])) + 1
floor = math.max(floor or 1, above)
keep_floor()
return 1
)";

// A name whose end is too far away (a clock that was set back, or none of ours has written it) is forgotten: it only
// counts, and a cursor that is used is told to it again.
constexpr const char* kRoom = R"(
local name, names_max = ARGV[2], tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', index, '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', index, text(now + 2 * ttl), '+inf')
if floor then
  keep_floor()
  names_max = names_max + 1
end
if not redis.call('ZSCORE', index, name) and redis.call('ZCARD', index) >= names_max then return 0 end
)";

constexpr const char* kAdmit = R"(
redis.call('ZADD', index, text(now + ttl), name)
redis.call('PEXPIRE', index, ttl)
return floor or 1
)";

constexpr const char* kForget = R"(
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
)";

}  // namespace

const CursorScripts& cursor_scripts() {
  static const std::string kOfCursor = std::string{kBegin} + kLoad;
  static const std::string kOfIndex = std::string{kBegin} + kIndex;
  static const CursorScripts kScripts{
      .read = RedisScript{kOfCursor + kFinish + kRead},
      .move = RedisScript{kOfCursor + kFinish + kMove},
      .erase = RedisScript{kOfCursor + kErase},
      .find_room = RedisScript{kOfIndex + kRoom + "return 1"},
      .admit = RedisScript{kOfIndex + kRoom + kAdmit},
      .raise = RedisScript{kOfIndex + kRaise},
      .forget = RedisScript{kForget},
  };
  return kScripts;
}

}  // namespace tailgate
