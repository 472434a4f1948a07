#include "web/assets.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace tailgate {
namespace {

std::string text_of(std::string_view path) {
  const Asset* asset = find_asset(path);
  return asset ? std::string{asset->bytes} : std::string{};
}

std::set<std::string> matches_of(const std::string& text, const std::string& pattern) {
  const std::regex regex{pattern};
  std::set<std::string> found;
  for (std::sregex_iterator match{text.begin(), text.end(), regex}, end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

TEST(ConsoleAssets, ThePageIsServedAtTheRoot) {
  const Asset* page = find_asset("/");

  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->bytes.starts_with("<!doctype html>"));
}

TEST(ConsoleAssets, APathThatIsNoFileOfTheConsoleFindsNothing) {
  EXPECT_EQ(find_asset(""), nullptr);
  EXPECT_EQ(find_asset("/console/"), nullptr);
  EXPECT_EQ(find_asset("/console/index.html"), nullptr);
  EXPECT_EQ(find_asset("/console/../console/console.js"), nullptr);
}

TEST(ConsoleAssets, EveryFileThatThePageNamesIsCompiledIn) {
  const auto named = matches_of(text_of("/"), R"re((?:href|src)="([^"]+)")re");

  EXPECT_GE(named.size(), 3u);
  for (const auto& path : named) EXPECT_NE(find_asset("/" + path), nullptr) << path;
}

TEST(ConsoleAssets, EveryModuleThatAModuleImportsIsCompiledIn) {
  std::size_t imports = 0;
  for (const Asset& asset : console_assets()) {
    if (!asset.path.ends_with(".js")) continue;
    for (const auto& path : matches_of(std::string{asset.bytes}, R"re(from '\./([^']+)')re")) {
      ++imports;
      EXPECT_NE(find_asset("/console/" + path), nullptr) << asset.path << " imports " << path;
    }
  }
  EXPECT_GT(imports, 5u);
}

TEST(ConsoleAssets, NothingInThePageIsInlineSoThatThePolicyCanForbidIt) {
  const std::string page = text_of("/");

  EXPECT_TRUE(matches_of(page, R"re((<style|\sstyle=|\son[a-z]+=|javascript:))re").empty());
  EXPECT_TRUE(matches_of(page, R"re((<script(?![^>]*\ssrc=)[^>]*>))re").empty());
  EXPECT_EQ(kConsoleSecurityPolicy.find("unsafe"), std::string_view::npos);
}

TEST(ConsoleAssets, EveryFileHasATypeAndAnEtagOfItsOwn) {
  std::set<std::string_view> etags;
  for (const Asset& asset : console_assets()) {
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
    EXPECT_FALSE(asset.bytes.empty()) << asset.path;
    EXPECT_TRUE(asset.etag.size() > 2 && asset.etag.front() == '"' && asset.etag.back() == '"') << asset.path;
    etags.insert(asset.etag);
  }
  EXPECT_EQ(etags.size(), console_assets().size());
}

}  // namespace
}  // namespace tailgate
