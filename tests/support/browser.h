// A real browser with one page, told what to do from outside; nobody sees it.
//
// Threads: one. What goes wrong throws.
#pragma once

#include <rapidjson/document.h>

#include <string>

#include "tests/support/wait.h"

namespace tailgate::test {

class Browser {
 public:
  virtual ~Browser() = default;

  // Returns when the page and what it names have been loaded. A certificate that nobody signed is good enough.
  virtual void open(const std::string& url) = 0;
  // What `script` returns, run as the body of a function in the page; a promise is waited for.
  virtual rapidjson::Document run(const std::string& script) = 0;

  std::string text(const std::string& expression);
  long long number(const std::string& expression);
  bool is(const std::string& expression);
  // Asks until it is so; false when the deadline passes before.
  [[nodiscard]] bool becomes(const std::string& expression, Deadline deadline = in(kPatience));
};

// A JavaScript (and JSON) string of it, with its quotes.
std::string quoted(const std::string& text);

}  // namespace tailgate::test
