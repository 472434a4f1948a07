#include "cursors/memory_cursors.h"

#include <algorithm>
#include <iterator>
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

MemoryCursorTable::Entries::iterator MemoryCursorTable::find(const CursorKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return found;
  const std::int64_t now_ms = clock_.steady_ms();
  if (found->second.expires_ms <= now_ms) {
    entries_.erase(found);
    return entries_.end();
  }
  found->second.expires_ms = now_ms + options_.ttl_ms;
  return found;
}

bool MemoryCursorTable::has_room(const std::string& principal) {
  const auto begin = entries_.lower_bound({principal, ""});
  const auto end = std::find_if(begin, entries_.end(), [&](const auto& e) { return e.first.principal != principal; });
  if (static_cast<std::size_t>(std::distance(begin, end)) < options_.per_principal_max) return true;
  std::size_t left = 0;
  for (auto it = begin; it != end;) {
    const bool is_over = it->second.expires_ms <= clock_.steady_ms();
    left += is_over ? 0 : 1;
    it = is_over ? entries_.erase(it) : std::next(it);
  }
  return left < options_.per_principal_max;
}

CursorAnswer MemoryCursorTable::read(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  const auto found = find(key);
  if (found == entries_.end()) return std::optional<Cursor>{};
  return std::optional{found->second.cursor};
}

CursorAnswer MemoryCursorTable::move(const CursorKey& key, const CursorMove& move) {
  const std::lock_guard lock{mutex_};
  auto found = find(key);
  const bool is_new = found == entries_.end();
  const Cursor old = is_new ? Cursor{} : found->second.cursor;
  if (move.generation && (is_new || *move.generation != old.generation)) return refusal(CursorRefusal::fenced);
  Cursor cursor = old;
  cursor.position = moved(old.position, move);
  if (partitions_of(cursor.position) > kCursorPartitionsMax) return refusal(CursorRefusal::too_wide);
  if (is_new && !has_room(key.principal)) return refusal(CursorRefusal::quota);
  if (const auto floor = floors_.find(key.principal); is_new && floor != floors_.end()) {
    cursor.generation = floor->second;
  }
  for (const auto& known : move.partitions) cursor.partitions.insert(known);
  if (move.is_reset && !is_new) ++cursor.generation;
  if (is_new || move.is_reset || cursor.position != old.position) cursor.updated_ms = clock_.wall_ms();
  entries_[key] = {cursor, clock_.steady_ms() + options_.ttl_ms};
  return std::optional{std::move(cursor)};
}

void MemoryCursorTable::erase(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  const auto found = find(key);
  if (found == entries_.end()) return;
  std::int64_t& floor = floors_[key.principal];
  floor = std::max(floor, found->second.cursor.generation + 1);
  entries_.erase(found);
}

CursorAnswer MemoryCursorTable::find_room(const CursorKey& key) {
  const std::lock_guard lock{mutex_};
  if (find(key) == entries_.end() && !has_room(key.principal)) return refusal(CursorRefusal::quota);
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
