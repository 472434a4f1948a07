#include "streams/record_chunk.h"

#include <cassert>
#include <cstring>

namespace tailgate {

namespace {

constexpr std::int32_t kNull = -1;

// What precedes each record's key, value and headers; the next record starts at the next multiple of eight. Kafka's
// records are smaller than 2 GiB.
struct Head {
  std::int64_t offset;
  std::int64_t timestamp_ms;
  std::int32_t key_bytes;    // kNull: null
  std::int32_t value_bytes;  // kNull: null
  std::uint32_t headers_bytes;
  std::uint32_t oversize_bytes;  // and kByHeaders
};
constexpr std::uint32_t kByHeaders = std::uint32_t{1} << 31;

std::size_t size_of(const std::optional<std::string_view>& bytes) { return bytes ? bytes->size() : 0; }

std::int32_t size_or_null(const std::optional<std::string_view>& bytes) {
  return bytes ? static_cast<std::int32_t>(bytes->size()) : kNull;
}

char* put(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

}  // namespace

RecordChunk::RecordChunk(std::size_t capacity_bytes) : capacity_{capacity_bytes}, bytes_{make_block(capacity_bytes)} {}

std::size_t RecordChunk::bytes_of(const RecordView& record) {
  const std::size_t bytes = sizeof(Head) + size_of(record.key) + size_of(record.value) + record.headers.size();
  return (bytes + 7) & ~std::size_t{7};
}

bool RecordChunk::append(const RecordView& record) {
  const std::size_t start = published_.load(std::memory_order_relaxed);
  const std::size_t bytes = bytes_of(record);
  if (bytes > capacity_ - start) return false;
  const Head head{record.offset,
                  record.timestamp_ms,
                  size_or_null(record.key),
                  size_or_null(record.value),
                  static_cast<std::uint32_t>(record.headers.size()),
                  static_cast<std::uint32_t>(record.oversize_bytes) | (record.has_oversize_headers ? kByHeaders : 0)};
  char* at = bytes_.get() + start;
  std::memcpy(at, &head, sizeof head);
  at = put(at + sizeof head, record.key.value_or(std::string_view{}));
  at = put(at, record.value.value_or(std::string_view{}));
  put(at, record.headers);
  published_.store(start + bytes, std::memory_order_release);
  return true;
}

RecordView RecordChunk::read(std::size_t& at) const {
  assert(at + sizeof(Head) <= published());
  Head head;
  std::memcpy(&head, bytes_.get() + at, sizeof head);
  RecordView record;
  record.offset = head.offset;
  record.timestamp_ms = head.timestamp_ms;
  record.oversize_bytes = head.oversize_bytes & ~kByHeaders;
  record.has_oversize_headers = (head.oversize_bytes & kByHeaders) != 0;
  const char* bytes = bytes_.get() + at + sizeof head;
  if (head.key_bytes != kNull) {
    record.key = std::string_view{bytes, static_cast<std::size_t>(head.key_bytes)};
    bytes += head.key_bytes;
  }
  if (head.value_bytes != kNull) {
    record.value = std::string_view{bytes, static_cast<std::size_t>(head.value_bytes)};
    bytes += head.value_bytes;
  }
  record.headers = std::string_view{bytes, head.headers_bytes};
  at += bytes_of(record);
  return record;
}

}  // namespace tailgate
