// The examples of docs/http-api.md do what they say, as they stand there. (Those of README.md: readme_test.cpp.)
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

// The lines of a page's ```sh blocks that ask the demo something.
std::vector<std::string> curl_lines(const std::string& page) {
  std::vector<std::string> lines;
  bool is_in_block = false;
  for (std::size_t begin = 0; begin < page.size();) {
    const std::size_t end = std::min(page.find('\n', begin), page.size());
    const std::string line = page.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("```")) {
      is_in_block = line == "```sh";
    } else if (is_in_block && line.starts_with("curl ") && line.find("127.0.0.1:8080") != line.npos) {
      lines.push_back(line);
    }
  }
  return lines;
}

void expect_to_work(const TailgateProcess& tailgate, std::string line) {
  const std::string documented = "127.0.0.1:8080";
  line.replace(line.find(documented), documented.size(), "127.0.0.1:" + std::to_string(tailgate.port()));
  // What does not end by itself is watched for a while; 124 is what `timeout` ends it with.
  const TempDir folder;
  Process process{{"/bin/sh", "-c", "timeout 3 " + line + " --silent --show-error --fail"}, folder / "output"};
  const auto code = process.wait();
  const std::string output = read_file(folder / "output");
  ASSERT_TRUE(code);
  EXPECT_TRUE(*code == 0 || *code == 124) << line << '\n' << output;
  const bool is_events = output.find("id: ") != output.npos;
  const bool is_envelopes = output.find("\"topic\":") != output.npos || output.find("\"next\":") != output.npos;
  EXPECT_TRUE(is_events || is_envelopes) << line << '\n' << output;
}

TEST(DocumentedExamples, CurlLinesOfTheApiAnswer) {
  const TailgateProcess tailgate{{.command = "demo"}};
  const auto lines = curl_lines(read_file(TAILGATE_SOURCE_DIR "/docs/http-api.md"));
  EXPECT_GE(lines.size(), 6u);
  for (std::string line : lines) {
    if (const std::size_t comment = line.find("  #"); comment != line.npos) line.resize(comment);
    expect_to_work(tailgate, line);
  }
}

}  // namespace
}  // namespace tailgate::test
