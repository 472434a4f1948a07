#include "streams/encoder.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tailgate {
namespace {

// Written a byte at a time, as the HTML standard reads it.
std::string data_lines(std::string_view value) {
  std::string lines = "data: ";
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\r' && value[i] != '\n') {
      lines += value[i];
      continue;
    }
    lines += "\ndata: ";
    if (value.substr(i, 2) == "\r\n") ++i;
  }
  return lines + '\n';
}

TEST(Encoder, EveryLineOfAValueIsADataLineOfItsOwnHoweverItEnds) {
  constexpr std::string_view kBytes = "a\r\n";
  for (std::size_t size = 0; size <= 8; ++size) {
    std::size_t values = 1;
    for (std::size_t i = 0; i < size; ++i) values *= kBytes.size();
    for (std::size_t n = 0; n < values; ++n) {
      std::string value;
      for (std::size_t i = 0, left = n; i < size; ++i, left /= kBytes.size()) value += kBytes[left % kBytes.size()];
      RecordView record;
      record.value = value;
      std::string out;
      append_front(out, EventFormat::sse_value, "topic", 0, record);
      ASSERT_EQ(out, data_lines(value));
    }
  }
}

std::string front(EventFormat as, const RecordView& record) {
  std::string out;
  append_front(out, as, "topic", 3, record);
  return out;
}

RecordView record_of(std::string_view value) {
  RecordView record;
  record.offset = 42;
  record.timestamp_ms = 1'790'000'000'123;
  record.value = value;
  return record;
}

std::string envelope(std::string_view value) { return front(EventFormat::ndjson, record_of(value)); }

constexpr std::string_view kUpToHeaders =
    R"({"topic":"topic","partition":3,"offset":42,"timestamp":1790000000123,"key":null,"headers":[],)";

TEST(Encoder, AnEmptyValueIsAnEventAndALeadingSpaceStays) {
  EXPECT_EQ(front(EventFormat::sse_value, record_of("")), "data: \n");
  EXPECT_EQ(front(EventFormat::sse_value, record_of("  x")), "data:   x\n");
  EXPECT_EQ(front(EventFormat::sse_value, record_of("\xEF\xBB\xBFx")), "data: \xEF\xBB\xBFx\n");
}

TEST(Encoder, AValueCannotPassForAFieldOfItsEvent) {
  EXPECT_EQ(front(EventFormat::sse_value, record_of("x\nid: 7\nevent: gap\n\n")),
            "data: x\ndata: id: 7\ndata: event: gap\ndata: \ndata: \n");
}

TEST(Encoder, WhatIsNoTextIsABinaryEvent) {
  EXPECT_EQ(front(EventFormat::sse_value, record_of("\xff\xfe")), "event: binary\ndata: //4=\n");
  EXPECT_EQ(front(EventFormat::sse_value, record_of(std::string_view{"a\0b", 3})), "event: binary\ndata: YQBi\n");
}

TEST(Encoder, ATombstoneSaysItsKey) {
  RecordView record = record_of("");
  record.value.reset();
  EXPECT_EQ(front(EventFormat::sse_value, record), "event: tombstone\ndata: \n");
  record.key = "k\nid: 1";
  EXPECT_EQ(front(EventFormat::sse_value, record), "event: tombstone\ndata: k\ndata: id: 1\n");
  record.key = "\xff";
  EXPECT_EQ(front(EventFormat::sse_value, record), "event: tombstone\ndata: /w==\n");
}

TEST(Encoder, ARecordOverTheLimitSaysItsSize) {
  RecordView record = record_of("");
  record.value.reset();
  record.oversize_bytes = 5'000'000;
  EXPECT_EQ(front(EventFormat::sse_value, record),
            "event: oversize\ndata: {\"topic\":\"topic\",\"partition\":3,\"offset\":42,\"size\":5000000}\n");
  EXPECT_EQ(front(EventFormat::ndjson, record),
            std::string{kUpToHeaders} + R"("encoding":"oversize","value":null,"size":5000000)");
}

TEST(Encoder, ARecordOverTheLimitByItsHeadersIsSoForWhoIsShownThem) {
  RecordView record = record_of("value");
  record.oversize_bytes = 5'000'000;
  record.has_oversize_headers = true;
  EXPECT_EQ(front(EventFormat::sse_value, record), "data: value\n");
  EXPECT_EQ(front(EventFormat::ndjson, record),
            std::string{kUpToHeaders} + R"("encoding":"oversize","value":null,"size":5000000)");
}

TEST(Encoder, AnEnvelopeInlinesJsonVerbatimButForLineBreaksBetweenTokens) {
  EXPECT_EQ(envelope("{\"n\":1.50,\r\n \"big\":12345678901234567890}"),
            std::string{kUpToHeaders} + R"("encoding":"json","value":{"n":1.50,   "big":12345678901234567890})");
  EXPECT_EQ(envelope("{broken"), std::string{kUpToHeaders} + R"("encoding":"string","value":"{broken")");
  EXPECT_EQ(envelope("a\r\nb"), std::string{kUpToHeaders} + R"("encoding":"string","value":"a\r\nb")");
  EXPECT_EQ(envelope("\xff"), std::string{kUpToHeaders} + R"("encoding":"base64","value":"/w==")");
}

TEST(Encoder, KeysAndHeadersThatAreNoTextAreBase64) {
  std::string headers;
  RecordHeaders::pack(headers, "trace", "ab");
  RecordHeaders::pack(headers, "none", std::nullopt);
  RecordHeaders::pack(headers, "raw", "\xff");
  RecordView record = record_of("1");
  record.key = std::string_view{"\0", 1};
  record.headers = headers;
  record.timestamp_ms = -1;
  EXPECT_EQ(front(EventFormat::ndjson, record),
            R"({"topic":"topic","partition":3,"offset":42,"timestamp":null,"key":{"base64":"AA=="},"headers":[)"
            R"({"name":"trace","value":"ab"},{"name":"none","value":null},{"name":"raw","value":{"base64":"/w=="}}],)"
            R"("encoding":"json","value":1)");
}

TEST(Encoder, AControlEventHasNoIdLineWithoutAnId) {
  std::string out;
  append_control(out, EventFormat::sse_value, "busy", R"({"retry_after":3})", "");
  EXPECT_EQ(out, "event: busy\ndata: {\"retry_after\":3}\n\n");
  out.clear();
  append_control(out, EventFormat::ndjson, "position", "{}", "0:1");
  EXPECT_EQ(out, "{\"event\":\"position\",\"id\":\"0:1\"}\n");
}

}  // namespace
}  // namespace tailgate
