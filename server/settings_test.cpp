#include "server/settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "server/settings_text.h"

namespace tailgate {
namespace {

TEST(Settings, EveryDefaultIsAValueOfItsSetting) {
  for (const Mode mode : {Mode::serve, Mode::demo}) {
    const Config defaults = default_config(mode);
    for (const Setting& setting : settings()) {
      const std::string shown = setting.show(defaults);
      if (shown.empty()) continue;
      Config config = defaults;
      EXPECT_TRUE(setting.take(config, {shown})) << setting.name << ' ' << shown;
      EXPECT_EQ(setting.show(config), shown) << setting.name;
    }
  }
}

TEST(Settings, AValueThatIsTakenIsShown) {
  Config config;
  for (const Setting& setting : settings()) {
    for (const char* text :
         {"on", "off", "7", "12s", "3MiB", "some.text", "https://a.example", "debug", "json", "1.3"}) {
      EXPECT_TRUE(!setting.take(config, {text}) || !setting.show(config).empty()) << setting.name << ' ' << text;
    }
    EXPECT_FALSE(setting.take(config, {""})) << setting.name;
  }
}

TEST(Settings, NamesAreUniqueAndMapToFlagsAndVariables) {
  std::set<std::string_view> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_FALSE(setting.doc.empty());
    EXPECT_FALSE(setting.takes.empty());
  }
  const Setting& listen = settings()[0];
  EXPECT_EQ(flag_of(listen), "--listen");
  const auto& last = settings().back();
  EXPECT_EQ(flag_of(last), "--metrics-topics");
  EXPECT_EQ(environment_of(last), "TAILGATE_METRICS_TOPICS");
}

TEST(Settings, AreDocumentedAsTheBinarySays) {
  std::ifstream file{TAILGATE_SOURCE_DIR "/docs/configuration.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(page, settings_markdown()) << "tailgate --help-markdown > docs/configuration.md";
}

TEST(Settings, HelpNamesEveryFlagInLinesThatFitATerminal) {
  const std::string help = help_text();
  for (const Setting& setting : settings())
    EXPECT_NE(help.find("  " + flag_of(setting) + " ("), help.npos) << setting.name;
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    ASSERT_NE(end, help.npos);
    EXPECT_LE(end - begin, 125u) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace tailgate
