#include "streams/record_log.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace tailgate {

void RecordLog::start(Offset next) {
  const std::scoped_lock lock{mutex_};
  drop_all(next);
  next_.store(next, std::memory_order_release);
  epoch_.store(++last_epoch_, std::memory_order_release);
}

void RecordLog::stop() {
  const std::scoped_lock lock{mutex_};
  drop_all(next_.load(std::memory_order_relaxed));
  epoch_.store(0, std::memory_order_release);
}

void RecordLog::drop_all(Offset next) {
  chunks_.clear();
  bytes_ = 0;
  at_end_.store(false, std::memory_order_relaxed);
  start_ = first_free_ = next;
}

void RecordLog::append(const RecordView& record, std::int64_t now_ms, std::size_t chunk_bytes_max) {
  assert(record.offset >= next_.load(std::memory_order_relaxed));
  if (chunks_.empty() ||
      !chunks_.back().chunk->append(record)) {  // only the writer changes chunks_: it may look unlocked
    // A quiet partition must not cost much, a busy one not many chunks: each is twice the size of the one before.
    const std::size_t before = chunks_.empty() ? 0 : chunks_.back().chunk->capacity_bytes();
    const std::size_t capacity =
        std::max(std::clamp(2 * before, kChunkBytesMin, chunk_bytes_max), RecordChunk::bytes_of(record));
    auto chunk = std::make_shared<RecordChunk>(capacity);
    const bool fits = chunk->append(record);
    assert(fits);
    static_cast<void>(fits);
    const std::scoped_lock lock{mutex_};
    chunks_.push_back(Held{first_free_, now_ms, std::move(chunk)});
    bytes_ += capacity;
  }
  chunks_.back().filled_ms = now_ms;
  first_free_ = record.offset + 1;
  at_end_.store(false, std::memory_order_relaxed);
  next_.store(record.offset + 1, std::memory_order_release);
}

void RecordLog::reach_end(Offset next) {
  if (next > next_.load(std::memory_order_relaxed)) next_.store(next, std::memory_order_release);
  at_end_.store(true, std::memory_order_release);
}

std::size_t RecordLog::drop_oldest(std::int64_t before_ms) {
  const std::scoped_lock lock{mutex_};
  if (chunks_.size() < 2 || chunks_.front().filled_ms >= before_ms) return 0;
  const std::size_t freed = chunks_.front().chunk->capacity_bytes();
  bytes_ -= freed;
  chunks_.pop_front();
  return freed;
}

std::int64_t RecordLog::oldest_ms() const {
  const std::scoped_lock lock{mutex_};
  return chunks_.size() < 2 ? std::numeric_limits<std::int64_t>::max() : chunks_.front().filled_ms;
}

std::size_t RecordLog::bytes() const {
  const std::scoped_lock lock{mutex_};
  return bytes_;
}

Offset RecordLog::first() const {
  const std::scoped_lock lock{mutex_};
  return chunks_.empty() ? start_ : chunks_.front().first;
}

RecordLog::Cursor RecordLog::seek(Offset next) const {
  Cursor cursor;
  cursor.epoch = epoch();
  cursor.next = next;
  return cursor;
}

// Puts the cursor into the chunk that holds what comes at or behind cursor.next, if any; false: no longer held.
bool RecordLog::find(Cursor& cursor) const {
  const std::scoped_lock lock{mutex_};
  if (cursor.epoch != epoch_.load(std::memory_order_relaxed)) return false;
  if (chunks_.empty()) return cursor.next >= start_;
  const auto behind = std::upper_bound(chunks_.begin(), chunks_.end(), cursor.next,
                                       [](Offset offset, const Held& held) { return offset < held.first; });
  if (behind == chunks_.begin()) return false;
  cursor.chunk = std::prev(behind)->chunk;
  cursor.at = 0;
  return true;
}

RecordLog::Step RecordLog::read(Cursor& cursor, RecordView& record) const {
  if (cursor.epoch != epoch()) return Step::lost;
  const Offset next = this->next();  // everything below it was published before
  if (cursor.next == next) return Step::head;
  if (cursor.next > next) return Step::lost;  // a place that this log has never reached
  if (!cursor.chunk && !find(cursor)) return Step::lost;
  while (cursor.chunk) {
    while (cursor.at < cursor.chunk->published()) {
      std::size_t behind = cursor.at;
      record = cursor.chunk->read(behind);
      if (record.offset >= next) {  // published since `next` was loaded: the next call's
        cursor.next = next;
        return Step::progress;
      }
      cursor.at = behind;
      if (record.offset < cursor.next) continue;
      cursor.next = record.offset + 1;
      return Step::record;
    }
    // Behind the chunk's last record. What is left below `next` lies in the next chunk, or holds no record.
    const std::shared_ptr<const RecordChunk> left = std::exchange(cursor.chunk, nullptr);
    const std::size_t left_at = cursor.at;
    if (!find(cursor)) return Step::lost;
    if (cursor.chunk == left) {
      cursor.at = left_at;
      break;
    }
  }
  cursor.next = next;
  return Step::progress;
}

}  // namespace tailgate
