#include "streams/record_chunk.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

RecordView record_at(Offset offset, std::string_view value) {
  RecordView record;
  record.offset = offset;
  record.value = value;
  return record;
}

TEST(RecordChunk, GivesBackEveryPartOfARecord) {
  RecordChunk chunk{4096};
  std::string headers;
  RecordHeaders::pack(headers, "trace", "ab");
  RecordHeaders::pack(headers, "none", std::nullopt);
  RecordView written;
  written.offset = 9'000'000'000'000;
  written.timestamp_ms = 1'790'000'000'000;
  written.key = "k";
  written.value = std::string_view{"a\0b", 3};
  written.headers = headers;

  ASSERT_TRUE(chunk.append(written));

  std::size_t at = 0;
  const RecordView read = chunk.read(at);
  EXPECT_EQ(read.offset, written.offset);
  EXPECT_EQ(read.timestamp_ms, written.timestamp_ms);
  EXPECT_EQ(read.key, written.key);
  EXPECT_EQ(read.value, written.value);
  EXPECT_EQ(read.headers, written.headers);
  EXPECT_EQ(at, chunk.published());
}

TEST(RecordChunk, TellsNullFromEmpty) {
  RecordChunk chunk{4096};
  RecordView tombstone = record_at(0, "");
  tombstone.value.reset();
  RecordView empty = record_at(1, "");
  empty.key = "";
  ASSERT_TRUE(chunk.append(tombstone));
  ASSERT_TRUE(chunk.append(empty));

  std::size_t at = 0;
  const RecordView first = chunk.read(at);
  EXPECT_FALSE(first.key);
  EXPECT_FALSE(first.value);
  const RecordView second = chunk.read(at);
  EXPECT_EQ(second.key, "");
  EXPECT_EQ(second.value, "");
}

TEST(RecordChunk, KeepsTheSizeOfWhatWasTooLarge) {
  RecordChunk chunk{4096};
  RecordView record = record_at(3, "");
  record.value.reset();
  record.oversize_bytes = 5'000'000;
  ASSERT_TRUE(chunk.append(record));

  std::size_t at = 0;
  const RecordView read = chunk.read(at);
  EXPECT_EQ(read.oversize_bytes, 5'000'000U);
  EXPECT_TRUE(read.is_value_oversize());
}

TEST(RecordChunk, KeepsAValueWhoseHeadersWereTooLarge) {
  RecordChunk chunk{4096};
  RecordView record = record_at(3, "value");
  record.oversize_bytes = 5'000'000;
  record.has_oversize_headers = true;
  ASSERT_TRUE(chunk.append(record));

  std::size_t at = 0;
  const RecordView read = chunk.read(at);
  EXPECT_EQ(read.value, "value");
  EXPECT_EQ(read.oversize_bytes, 5'000'000U);
  EXPECT_TRUE(read.is_oversize());
  EXPECT_FALSE(read.is_value_oversize());
}

TEST(RecordChunk, RefusesWhatDoesNotFitAndStaysAsItWas) {
  RecordChunk chunk{RecordChunk::bytes_of(record_at(0, "12345678"))};
  ASSERT_TRUE(chunk.append(record_at(0, "12345678")));
  const std::size_t published = chunk.published();

  EXPECT_FALSE(chunk.append(record_at(1, "")));

  EXPECT_EQ(chunk.published(), published);
  EXPECT_EQ(published, chunk.capacity_bytes());
}

TEST(RecordChunk, ReadsRecordsOneBehindTheOther) {
  RecordChunk chunk{4096};
  std::string value;
  for (Offset offset = 0; offset < 20; ++offset, value += 'x') ASSERT_TRUE(chunk.append(record_at(offset, value)));

  std::size_t at = 0;
  for (Offset offset = 0; offset < 20; ++offset) {
    const RecordView record = chunk.read(at);
    EXPECT_EQ(record.offset, offset);
    EXPECT_EQ(record.value->size(), static_cast<std::size_t>(offset));
  }
  EXPECT_EQ(at, chunk.published());
}

}  // namespace
}  // namespace tailgate
