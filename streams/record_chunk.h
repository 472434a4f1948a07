// Records laid one behind the other: the unit in which they are kept, shared and dropped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/block.h"
#include "streams/record.h"

namespace tailgate {

// Append-only; bytes below published() never change.
// Threads: one writer; any number of readers of what is published.
class RecordChunk {
 public:
  explicit RecordChunk(std::size_t capacity_bytes);
  // Bytes that a record takes in a chunk.
  static std::size_t bytes_of(const RecordView& record);

  // Writer. False: no room.
  bool append(const RecordView& record);

  // End of what readers may touch (acquire).
  std::size_t published() const { return published_.load(std::memory_order_acquire); }
  // The record at `at` (0, or a place that an earlier call gave; < published()); moves `at` behind it.
  RecordView read(std::size_t& at) const;
  std::size_t capacity_bytes() const { return capacity_; }

 private:
  std::size_t capacity_;
  Block bytes_;
  std::atomic<std::size_t> published_{0};
};

}  // namespace tailgate
