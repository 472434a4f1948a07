#include "streams/feed_chunk_pool.h"

#include <utility>

namespace tailgate {

namespace {

constexpr std::size_t kSpareMax = 256;
constexpr std::size_t kSpareEntriesMax = 64;

}  // namespace

std::unique_ptr<FeedChunk> FeedChunkPool::make(std::size_t capacity) {
  if (capacity == FeedLog::kChunkBytesMin && !spare_.empty()) {
    auto chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }
  auto chunk = std::make_unique<FeedChunk>();
  chunk->capacity = capacity;
  if (capacity > 0) chunk->bytes.reset(new char[capacity]);  // not zeroed: pages are touched when used
  return chunk;
}

void FeedChunkPool::retire(std::unique_ptr<FeedChunk> chunk) {
  if (retired_.empty()) loop_.post([this] { on_turn_over(); });
  retired_.push_back(std::move(chunk));
}

void FeedChunkPool::on_turn_over() {
  for (auto& chunk : retired_) {
    if (spare_.size() == kSpareMax) break;
    if (chunk->capacity != FeedLog::kChunkBytesMin || chunk->entries.capacity() > kSpareEntriesMax) continue;
    chunk->entries.clear();
    chunk->start.clear();
    // As new, with the memory that it has.
    *chunk = FeedChunk{.bytes = std::move(chunk->bytes),
                       .capacity = chunk->capacity,
                       .entries = std::move(chunk->entries),
                       .units = {},
                       .start = std::move(chunk->start)};
    spare_.push_back(std::move(chunk));
  }
  retired_.clear();
}

}  // namespace tailgate
