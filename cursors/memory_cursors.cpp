#include "cursors/memory_cursors.h"

#include <algorithm>
#include <utility>

namespace tailgate {
namespace {

CursorAnswer refusal(CursorRefusal why) { return CursorError{why, ""}; }

std::size_t partitions_of(const Position& position) {
  std::size_t count = 0;
  for (const auto& [topic, parts] : position) count += parts.size();
  return count;
}

Position moved(Position position, const CursorMove& move) {
  for (const auto& [topic, parts] : move.position) {
    for (const auto& [partition, passed] : parts) {
      const auto [at, is_new] = position[topic].emplace(partition, passed);
      if (!is_new) at->second = move.is_reset ? passed : std::max(at->second, passed);
    }
  }
  return position;
}

}  // namespace

MemoryCursorTable::Entry* MemoryCursorTable::find(const CursorKey& key) {
  const auto principal = principals_.find(key.principal);
  if (principal == principals_.end()) return nullptr;
  auto& entries = principal->second.entries;
  const auto found = entries.find(key.name);
  if (found == entries.end()) return nullptr;
  const std::int64_t now_ms = clock_.steady_ms();
  if (found->second.expires_ms <= now_ms) {
    entries.erase(found);
    return nullptr;
  }
  found->second.expires_ms = now_ms + options_.ttl_ms;
  return &found->second;
}

bool MemoryCursorTable::has_room(const std::string& principal) {
  const auto known = principals_.find(principal);
  if (known == principals_.end()) return options_.per_principal_max > 0;
  auto& entries = known->second.entries;
  if (entries.size() < options_.per_principal_max) return true;
  const std::int64_t now_ms = clock_.steady_ms();
  std::erase_if(entries, [now_ms](const auto& entry) { return entry.second.expires_ms <= now_ms; });
  return entries.size() < options_.per_principal_max;
}

CursorAnswer MemoryCursorTable::read(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  const Entry* found = find(key);
  if (found == nullptr) return std::optional<Cursor>{};
  return std::optional{found->cursor};
}

CursorAnswer MemoryCursorTable::move(const CursorKey& key, const CursorMove& move) {
  const std::lock_guard lock{mutex_};
  const Entry* found = find(key);
  const bool is_new = found == nullptr;
  const Cursor old = is_new ? Cursor{} : found->cursor;
  if (move.generation && (is_new || *move.generation != old.generation)) return refusal(CursorRefusal::fenced);
  Cursor cursor = old;
  cursor.position = moved(old.position, move);
  if (partitions_of(cursor.position) > kCursorPartitionsMax) return refusal(CursorRefusal::too_wide);
  if (is_new && !has_room(key.principal)) return refusal(CursorRefusal::quota);
  Principal& principal = principals_[key.principal];
  if (is_new) cursor.generation = principal.floor;
  for (const auto& known : move.partitions) cursor.partitions.insert(known);
  if (move.is_reset && !is_new) ++cursor.generation;
  if (is_new || move.is_reset || cursor.position != old.position) cursor.updated_ms = clock_.wall_ms();
  principal.entries[key.name] = {cursor, clock_.steady_ms() + options_.ttl_ms};
  return std::optional{std::move(cursor)};
}

void MemoryCursorTable::erase(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  const Entry* found = find(key);
  if (found == nullptr) return;
  Principal& principal = principals_[key.principal];
  principal.floor = std::max(principal.floor, found->cursor.generation + 1);
  principal.entries.erase(key.name);
}

CursorAnswer MemoryCursorTable::find_room(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  if (find(key) == nullptr && !has_room(key.principal)) return refusal(CursorRefusal::quota);
  return std::optional<Cursor>{};
}

Ask<CursorAnswer> MemoryCursors::answer(CursorAnswer answer, Then then) {
  auto [ask, reply] = make_ask<CursorAnswer>(loop_, std::move(then));
  reply(std::move(answer));
  return std::move(ask);
}

Ask<CursorAnswer> MemoryCursors::read(const CursorKey& key, Then then) {
  return answer(table_.read(key), std::move(then));
}

Ask<CursorAnswer> MemoryCursors::move(const CursorKey& key, CursorMove move, Then then) {
  return answer(table_.move(key, move), std::move(then));
}

Ask<CursorAnswer> MemoryCursors::erase(const CursorKey& key, Then then) {
  table_.erase(key);
  return answer(std::optional<Cursor>{}, std::move(then));
}

Ask<CursorAnswer> MemoryCursors::find_room(const CursorKey& key, Then then) {
  return answer(table_.find_room(key), std::move(then));
}

}  // namespace tailgate
