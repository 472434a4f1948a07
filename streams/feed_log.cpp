#include "streams/feed_log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "streams/feed_chunk_pool.h"

namespace tailgate {

namespace {

// A feed of few must not cost much, nor a busy one many chunks.
constexpr std::size_t kChunkBytesOfOne = 1024;  // for each subscriber
constexpr std::size_t kChunkBytesMax = 64 * 1024;
constexpr std::size_t kChunkEntriesMax = 4096;

void set(std::vector<Offset>& position, Slot slot, Offset offset) {
  if (position.size() <= slot) position.resize(slot + std::size_t{1}, kNotStarted);
  position[slot] = offset;
}

}  // namespace

FeedLog::FeedLog(FeedChunkPool& pool) : pool_{pool} {
  chunks_.push_back(pool_.make(0));
  bytes_ = chunks_.back()->cost();
}

// More than is read at a time comes where somebody stands in a chunk before the last one.
std::size_t FeedLog::next_capacity() const {
  const FeedChunk& last = *chunks_.back();
  const std::size_t wanted = chunks_.size() > 1 ? 2 * last.capacity : last.subscribers * kChunkBytesOfOne;
  return std::clamp(wanted, kChunkBytesMin, kChunkBytesMax);
}

FeedEntry& FeedLog::append(Slot slot, FeedEntry::Kind kind, Offset offset, std::size_t bytes) {
  FeedChunk* chunk = chunks_.back().get();
  if (bytes > chunk->capacity - chunk->used() || chunk->entries.size() >= kChunkEntriesMax) {
    auto fresh = pool_.make(std::max(next_capacity(), bytes));
    fresh->begin = chunk->begin + chunk->used();
    fresh->start = head_;
    bytes_ += fresh->cost();
    chunk->next = fresh.get();
    chunk = fresh.get();
    chunks_.push_back(std::move(fresh));
    drop_unused();
  }
  const std::size_t cost = chunk->cost();
  const auto end = static_cast<std::uint32_t>(chunk->used() + bytes);
  chunk->entries.push_back(FeedEntry{end, 0, slot, kind, offset});
  bytes_ += chunk->cost() - cost;
  set(head_, slot, offset);
  return chunk->entries.back();
}

void FeedLog::append_record(Slot slot, Offset offset, std::string_view front, std::string_view tail) {
  FeedEntry& entry = append(slot, FeedEntry::Kind::record, offset, front.size() + tail.size());
  entry.tail_bytes = static_cast<std::uint32_t>(tail.size());
  char* to = chunks_.back()->bytes.get() + entry.end - front.size() - tail.size();
  std::memcpy(to, front.data(), front.size());
  if (!tail.empty()) std::memcpy(to + front.size(), tail.data(), tail.size());
}

void FeedLog::append_progress(Slot slot, Offset offset) { append(slot, FeedEntry::Kind::progress, offset, 0); }

void FeedLog::append_barrier(Slot slot, Offset offset) {
  append(slot, FeedEntry::Kind::barrier, offset, 0);
  ++chunks_.back()->barriers;
}

const CodedUnit& FeedLog::append_unit(FeedChunk& chunk, Coding coding, CodedUnit unit) {
  std::vector<CodedUnit>& units = chunk.units[index_of(coding)];
  assert(units.empty() || units.back().to <= unit.from);
  const std::size_t cost = sizeof(CodedUnit) + unit.size;
  chunk.units_bytes += cost;
  bytes_ += cost;
  return units.emplace_back(std::move(unit));
}

std::vector<Offset> FeedLog::position_at(const Place& place) const {
  std::vector<Offset> position = place.chunk->start;
  for (std::size_t i = 0; i < place.entry; ++i)
    set(position, place.chunk->entries[i].slot, place.chunk->entries[i].offset);
  return position;
}

FeedLog::Place FeedLog::enter() {
  FeedChunk* chunk = chunks_.back().get();
  ++chunk->subscribers;
  return Place{chunk, static_cast<std::uint32_t>(chunk->entries.size())};
}

void FeedLog::leave(const Place& place) {
  assert(place.chunk->subscribers > 0);
  --place.chunk->subscribers;
  drop_unused();
}

bool FeedLog::advance(Place& place) {
  if (place.entry < place.chunk->entries.size()) return true;
  if (place.chunk->next == nullptr) return false;
  const Place left = std::exchange(place, after(place));
  leave(left);
  return !place.chunk->entries.empty();
}

FeedLog::Place FeedLog::after(const Place& place) {
  assert(place.chunk->next != nullptr);
  ++place.chunk->next->subscribers;
  return Place{place.chunk->next, 0};
}

void FeedLog::drop_unused() {
  auto kept = chunks_.begin();
  for (; kept + 1 != chunks_.end() && (*kept)->subscribers == 0; ++kept) {
    bytes_ -= (*kept)->cost();
    pool_.retire(std::move(*kept));
  }
  chunks_.erase(chunks_.begin(), kept);
}

}  // namespace tailgate
