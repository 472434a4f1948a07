// Debian's Chromium without a window, driven by chromedriver over WebDriver's HTTP.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tests/support/browser.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

struct Screen {
  int width = 1280;
  int height = 800;
  bool is_phone = false;
  bool is_dark = false;

  friend std::ostream& operator<<(std::ostream& out, const Screen& screen) {
    return out << screen.width << "x" << screen.height << (screen.is_dark ? ", dark" : ", light");
  }
};

class Chromium : public Browser {
 public:
  explicit Chromium(Screen screen = {});
  ~Chromium() override;

  void open(const std::string& url) override;
  rapidjson::Document run(const std::string& script) override;

  void show_on(Screen screen);
  // What the page has to say since it was last asked: errors of scripts, requests that failed, what the policy refused.
  std::vector<std::string> errors();
  // Key presses as a person's, in the element that has the focus. Keys without a letter are WebDriver's: \uE007 is
  // Enter.
  void type(const std::string& text);

 private:
  rapidjson::Document ask(const std::string& path, const std::string& json);
  void devtools(const std::string& command, const std::string& parameters);

  TempDir folder_;
  int port_;
  Process driver_;
  std::string session_;  // its URL
};

}  // namespace tailgate::test
