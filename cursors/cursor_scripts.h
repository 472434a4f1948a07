// What runs in Redis for cursors. Each script touches one key: a cursor, or the index of a principal. (With two, a
// cluster could not run it while their slot is on its way.)
//
// A cursor is a hash: "TOPIC:PARTITION" → the last passed offset, "-" for none; "TOPIC:n" → how many partitions there
// were; "g" → generation, "u" → when it moved, "i" → when its index was told. Offsets stay text: Lua's numbers end at
// 2^53.
//
// An index is a sorted set: the names of the cursors, by when they are forgotten; and once one was erased the floor,
// the least generation that no erased one has had, as the score of ":", which is nobody's name.
//
// Answers: {"ok", tell the index: 0 or 1, g, u, field, value, …}, {"absent"}, {"damaged"}, {"fenced"}, {"wide"}.
#pragma once

#include "base/redis.h"

namespace tailgate {

struct CursorScripts {
  // KEYS: the cursor. ARGV: time to live in ms.
  const RedisScript read;
  // KEYS: the cursor. ARGV: time to live in ms, "move" or "reset", generation or "", the generation with which it may
  // be made or "", partitions at most, and then field, value, …
  const RedisScript move;
  // KEYS: the cursor. ARGV: the generation above which the floor of its index lies by now: "-" for that of what is no
  // cursor, "" for none. {"raise", g}: that is not its generation, and it stands.
  const RedisScript erase;

  // KEYS: the index.

  // ARGV: time to live in ms, name, cursors at most. 1: admit would let the name in.
  const RedisScript find_room;
  // ARGV: the same. 0: the index is full; else the name is in it, and this is the floor.
  const RedisScript admit;
  // ARGV: time to live in ms, and the generation above which the floor will lie, or "-".
  const RedisScript raise;
  // ARGV: name.
  const RedisScript forget;
};

const CursorScripts& cursor_scripts();

}  // namespace tailgate
