// A Kafka record as the rest of tailgate sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cursors/position.h"

namespace tailgate {

// Where records come from. `topic` is Kafka's own name of the topic (clients may know it by a public one).
struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

// Whether records are read with their headers: to look for them costs librdkafka half of what handing over a small
// record does.
enum class Headers : bool { left_out, read };

// Borrowed bytes: valid as long as the chunk (or message) that they lie in.
struct RecordView {
  Offset offset = 0;
  std::int64_t timestamp_ms = -1;         // -1: none
  std::optional<std::string_view> key;    // nullopt: null
  std::optional<std::string_view> value;  // nullopt: null (tombstone), or `is_value_oversize`
  std::string_view headers;               // packed: see RecordHeaders
  std::uint64_t oversize_bytes = 0;       // > 0: it was over max_event_bytes; this was its size
  bool has_oversize_headers = false;      // only by them: key and value are there, for who shows no headers
  bool is_oversize() const { return oversize_bytes > 0; }
  // Key and value alone are too large, and the value is not kept.
  bool is_value_oversize() const { return is_oversize() && !has_oversize_headers; }
};

// Packed headers: for each one u32 name size, i32 value size (-1: null), name, value; host byte order.
//
//   for (RecordHeaders h{record.headers}; h.next();) use(h.name, h.value);
struct RecordHeaders {
  explicit RecordHeaders(std::string_view packed) : rest{packed} {}
  bool next();
  static void pack(std::string& packed, std::string_view name, std::optional<std::string_view> value);

  std::string_view name;
  std::optional<std::string_view> value;
  std::string_view rest;
};

}  // namespace tailgate
