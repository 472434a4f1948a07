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

}  // namespace
}  // namespace tailgate
