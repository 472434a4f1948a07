// What runs in Redis for cursors. Each script touches the keys of one cursor, or the index of one principal.
//
// A cursor is a hash: "TOPIC:PARTITION" → the last passed offset, "-" for none; "TOPIC:n" → how many partitions there
// were; "g" → generation, "u" → when it moved, "i" → when its index was told. Offsets stay text: Lua's numbers end at
// 2^53.
//
// Answers: {"ok", tell the index: 0 or 1, g, u, field, value, …}, {"absent"}, {"damaged"}, {"fenced"}, {"wide"}.
#pragma once

#include "base/redis.h"

namespace tailgate {

struct CursorScripts {
  // KEYS: the cursor. ARGV: time to live in ms.
  const RedisScript read;
  // KEYS: the cursor. ARGV: time to live in ms, "move" or "reset", generation or "", may it be made ("1"), partitions
  // at most, and then field, value, …
  const RedisScript move;
  // KEYS: the cursor.
  const RedisScript erase;
  // KEYS: the index. ARGV: name, time to live in ms, cursors at most. 1: the name is in it; 0: it is full.
  const RedisScript admit;
  // KEYS: the index. ARGV: name.
  const RedisScript forget;
};

const CursorScripts& cursor_scripts();

}  // namespace tailgate
