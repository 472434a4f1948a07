#include "server/command_line.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

Result<CommandLine> parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tailgate");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string refused(std::vector<const char*> arguments) {
  const auto line = parsed(std::move(arguments));
  EXPECT_FALSE(line);
  if (line) return "";
  EXPECT_EQ(line.error().detail.find('\n'), std::string::npos);
  return line.error().detail;
}

// The flags in the order of the table, as NAME=TEXT|TEXT.
std::string flags(std::vector<const char*> arguments) {
  const auto line = parsed(std::move(arguments));
  EXPECT_TRUE(line) << (line ? "" : line.error().detail);
  std::string all;
  if (!line) return all;
  for (const Given& given : line->flags) {
    all.append(all.empty() ? "" : " ").append(given.name).append("=");
    for (const std::string& text : given.texts) all.append(&text == given.texts.data() ? "" : "|").append(text);
  }
  return all;
}

TEST(CommandLine, HasItsCommands) {
  EXPECT_EQ(parsed({"serve"})->command, Command::serve);
  EXPECT_EQ(parsed({"demo"})->command, Command::demo);
  EXPECT_EQ(parsed({"check"})->command, Command::check);
  EXPECT_EQ(parsed({"--version"})->command, Command::version);
  EXPECT_EQ(parsed({"--help-markdown"})->command, Command::help_markdown);
  for (const auto& help : {std::vector{"--help"}, std::vector{"-h"}, std::vector{"help"},
                           std::vector{"serve", "--threads", "1", "--help"}}) {
    EXPECT_EQ(parsed(help)->command, Command::help);
  }
}

TEST(CommandLine, FlagsAreSettings) {
  EXPECT_EQ(flags({"serve", "--kafka", "a:1,b:1", "--topics=orders", "--max-connections=5"}),
            "kafka=a:1,b:1 topics=orders max_connections=5");
  EXPECT_EQ(flags({"serve", "--listen", "a:1", "--listen", "b:2,c:3"}), "listen=a:1|b:2,c:3");
  EXPECT_EQ(flags({"demo", "--console"}), "console=on");
  EXPECT_EQ(flags({"demo", "--console", "off"}), "console=off");
  EXPECT_EQ(flags({"serve", "--kafka", ""}), "kafka=") << "of a variable that is not set";
  EXPECT_EQ(flags({"demo", "--console", "--threads", "2"}), "threads=2 console=on");
  EXPECT_EQ(flags({"serve", "--librdkafka", "client.rack=a", "--librdkafka", "sasl.password=x=y"}),
            "librdkafka.client.rack=a librdkafka.sasl.password=x=y");
  EXPECT_EQ(parsed({"serve", "--config", "/etc/t.toml"})->config_file, "/etc/t.toml");
  EXPECT_EQ(parsed({"serve", "--threads", "1"})->flags[0].source, "flag --threads");
}

TEST(CommandLine, WhatIsWrongIsSaidInALineThatNamesIt) {
  EXPECT_NE(refused({}).find("serve, demo or check"), std::string::npos);
  EXPECT_NE(refused({"srve"}).find("did you mean serve?"), std::string::npos);
  EXPECT_NE(refused({"serve", "--thread", "5"}).find("flag --thread: unknown setting (did you mean --threads?)"),
            std::string::npos);
  EXPECT_NE(refused({"serve", "--thread=5"}).find("flag --thread:"), std::string::npos);
  EXPECT_NE(refused({"serve", "--jwt-issuer", "a"}).find("flag --jwt-issuer: unknown setting"), std::string::npos);
  EXPECT_NE(refused({"serve", "orders"}).find("argument orders"), std::string::npos);
  EXPECT_NE(refused({"serve", "--threads"}).find("--threads"), std::string::npos);
  EXPECT_NE(refused({"serve", "--threads", "1", "--threads", "2"}).find("--threads"), std::string::npos);
  EXPECT_EQ(refused({"serve", "--threads"}), "flag --threads: takes one value, once");
  EXPECT_NE(refused({"--versio"}).find("--version"), std::string::npos);
  EXPECT_NE(refused({"serve", "--librdkafka", "client.rack"}).find("NAME=VALUE"), std::string::npos);
}

}  // namespace
}  // namespace tailgate
