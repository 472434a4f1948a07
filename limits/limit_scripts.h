// What runs in Redis for limits, on Redis's clock. Each script touches one key; what lies there and is none of ours is
// thrown away, for a limit has no past worth keeping.
#pragma once

#include "base/redis.h"

namespace tailgate {

struct LimitScripts {
  // KEYS: the bucket, a text: when it is full again, in µs. ARGV: µs a token, µs a burst, tokens wanted,
  // and how many were given without the bucket and count too. → {granted, left, µs until there is one}. As
  // take_tokens(); but what was given without it may leave it empty by up to a burst more.
  const RedisScript take;
  // KEYS: the slots of an owner, a sorted set: place → end of its lease in ms. ARGV: lease in ms, slots at most, place.
  // → 1: taken.
  const RedisScript take_slot;
  // The same. ARGV: lease in ms, place, …: these are held.
  const RedisScript renew_slots;
  // The same. ARGV: place.
  const RedisScript leave_slot;
  // KEYS: the replicas, a sorted set: replica → end of its lease in ms. ARGV: lease in ms, replica. → how many there
  // are.
  const RedisScript count_replicas;
};

const LimitScripts& limit_scripts();

}  // namespace tailgate
