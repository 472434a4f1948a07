#include "server/config_values.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(ConfigValues, DurationsHaveAUnit) {
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("15s"), 15'000);
  EXPECT_EQ(parse_duration_ms("10m"), 600'000);
  EXPECT_EQ(parse_duration_ms("2h"), 7'200'000);
  EXPECT_EQ(parse_duration_ms("30d"), 2'592'000'000);
  for (const char* text : {"", "15", "s", "1.5s", "-1s", "15 s", "15S", "15sec", "1m30s", "9223372036854775807d"}) {
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
  }
}

TEST(ConfigValues, SizesMayHaveOne) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("32KiB"), 32768u);
  EXPECT_EQ(parse_size("256MiB"), 268435456u);
  EXPECT_EQ(parse_size("2GiB"), 2147483648u);
  for (const char* text : {"", "MiB", "1MB", "1M", "1.5MiB", "-1", "1 MiB", "9223372036854775807GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(ConfigValues, AreWrittenAsTheyAreRead) {
  for (const char* text : {"0s", "1ms", "1500ms", "15s", "90s", "1m", "24m", "1h", "1d", "30d"}) {
    EXPECT_EQ(format_duration(*parse_duration_ms(text)), text);
  }
  for (const char* text : {"0", "1B", "1023B", "1KiB", "1MiB", "3GiB", "1536MiB"})
    EXPECT_EQ(format_size(*parse_size(text)), text);
}

TEST(ConfigValues, SwitchesAreOnOrOff) {
  for (const char* text : {"on", "true", "yes", "1"}) EXPECT_EQ(parse_switch(text), true);
  for (const char* text : {"off", "false", "no", "0"}) EXPECT_EQ(parse_switch(text), false);
  for (const char* text : {"", "On", "2", "enabled"}) EXPECT_EQ(parse_switch(text), std::nullopt);
}

}  // namespace
}  // namespace tailgate
