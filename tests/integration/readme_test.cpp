// The examples of README.md, run as they stand there against the demo.
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

const std::string kSource = TAILGATE_SOURCE_DIR;

// The blocks between "```LANGUAGE" and "```".
std::vector<std::string> blocks_of(const std::string& text, const std::string& language) {
  const auto open = "\n```" + language + "\n";
  std::vector<std::string> blocks;
  for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    at += open.size();
    const auto end = text.find("```", at);
    blocks.push_back(text.substr(at, end - at));
    at = end;
  }
  return blocks;
}

std::vector<std::string> lines_of(const std::string& block) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (auto end = block.find('\n'); end != std::string::npos; begin = end + 1, end = block.find('\n', begin)) {
    if (end > begin) lines.push_back(block.substr(begin, end - begin));
  }
  return lines;
}

class Readme : public testing::Test {
 protected:
  Readme() : demo_{{.command = "demo"}}, text_{read_file(kSource + "/README.md")} {}

  std::string here(std::string command) const {
    const std::string address = "http://127.0.0.1:8080";
    for (auto at = command.find(address); at != std::string::npos; at = command.find(address, at + 1)) {
      command.replace(at, address.size(), demo_.url(""));
    }
    return command;
  }

  TailgateProcess demo_;
  std::string text_;
};

TEST_F(Readme, CommandsPrintRecords) {
  // The id that is resumed from in one of them has to lie inside of the topic.
  ASSERT_TRUE(eventually(
      [&] {
        const auto answer = fetch({.url = demo_.url("/topics/orders")});
        rapidjson::Document topic;
        topic.Parse(answer.body.c_str());
        if (answer.status != 200 || topic.HasParseError()) return false;
        const auto partitions = topic["partitions"].GetArray();
        return std::ranges::all_of(partitions, [](const auto& each) { return each["end"].GetInt64() > 5; });
      },
      in(std::chrono::seconds{60})));
  const auto blocks = blocks_of(text_, "sh");
  ASSERT_GE(blocks.size(), 4U);
  for (const auto& block : blocks) {
    for (const auto& line : lines_of(block)) {
      SCOPED_TRACE(line);
      TempDir folder;
      Process command{{"bash", "-c", "exec " + here(line)}, folder / "output"};
      const auto output = [&] { return read_file(folder / "output"); };
      if (line.find("/cursors/") != std::string::npos) {
        EXPECT_EQ(command.wait(), 0);
        EXPECT_NE(output().find(R"("position":{"orders":"0:2)"), std::string::npos) << output();
        continue;
      }
      // A record in any representation: nothing else has these members.
      EXPECT_TRUE(eventually([&] {
        const auto so_far = output();
        return so_far.find("\"customer\"") != std::string::npos || so_far.find("\"sensor\"") != std::string::npos;
      })) << output();
      if (line.find("limit=") != std::string::npos || line.find("until=") != std::string::npos) {
        EXPECT_EQ(command.wait(), 0) << output();
      }
      EXPECT_EQ(output().find("urn:problem-type"), std::string::npos) << output();
    }
  }
}

TEST_F(Readme, EventSourceExamplePrintsRecords) {
  const auto packages = lines_of(run({kSource + "/tests/clients/install"}));
  const auto blocks = blocks_of(text_, "js");
  ASSERT_FALSE(blocks.empty());
  TempDir folder;
  // In a page the address is relative to it.
  const auto page = "const { EventSource: Library } = require('" + packages.back() +
                    "/node_modules/eventsource');\n"
                    "class EventSource extends Library { constructor(url) { super(new URL(url, '" +
                    demo_.url("") + "')); } }\n";
  write_file(folder / "page.cjs", page + blocks[0]);
  Process node{{"node", folder / "page.cjs"}, folder / "output"};
  EXPECT_TRUE(eventually([&] { return read_file(folder / "output").find("customer:") != std::string::npos; }))
      << read_file(folder / "output");
}

}  // namespace
}  // namespace tailgate::test
