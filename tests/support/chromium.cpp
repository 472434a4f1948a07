#include "tests/support/chromium.h"

#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/http_client.h"
#include "tests/support/raw_connection.h"

namespace tailgate::test {
namespace {

// As root there is no sandbox; nothing may be asked of the outside world. With the pipe, Chromium ends when
// chromedriver does, however that ends.
std::string new_session(const std::string& profile) {
  std::string arguments;
  for (const std::string flag : {"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                                 "--disable-dev-shm-usage", "--remote-debugging-pipe"})
    arguments += quoted(flag) + ",";
  arguments += quoted("--user-data-dir=" + profile);
  return R"({"capabilities":{"alwaysMatch":{"browserName":"chrome","acceptInsecureCerts":true,"goog:loggingPrefs":{"browser":"ALL"},)"
         R"("goog:chromeOptions":{"binary":"/usr/bin/chromium","args":[)" +
         arguments + "]}}}}";
}

rapidjson::Document value_of(const HttpResponse& answer, const std::string& question) {
  rapidjson::Document document;
  document.Parse(answer.body.c_str(), answer.body.size());
  if (answer.status != 200 || document.HasParseError() || !document.HasMember("value"))
    throw std::runtime_error(question + ": " + answer.body);
  rapidjson::Document value;
  value.CopyFrom(document["value"], value.GetAllocator());
  return value;
}

HttpResponse post(const std::string& url, const std::string& json) {
  return fetch({.url = url, .headers = {"Content-Type: application/json"}, .method = "POST", .body = json},
               2 * kPatience);
}

}  // namespace

Chromium::Chromium(Screen screen)
    : port_{free_port()}, driver_{{"chromedriver", "--port=" + std::to_string(port_)}, folder_ / "chromedriver.log"} {
  if (!eventually([this] { return RawConnection::is_open(port_); }))
    throw std::runtime_error("chromedriver does not start: " + read_file(folder_ / "chromedriver.log"));
  const auto sessions = "http://127.0.0.1:" + std::to_string(port_) + "/session";
  const auto session = value_of(post(sessions, new_session((folder_ / "profile").string())), sessions);
  session_ = sessions + "/" + session["sessionId"].GetString();
  // Before any script of the page, so that nothing that its policy refuses is missed.
  devtools("Page.addScriptToEvaluateOnNewDocument",
           R"({"source":"document.addEventListener('securitypolicyviolation', (event) => )"
           R"(console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI));"})");
  show_on(screen);
}

Chromium::~Chromium() {
  // Ends the browser before its profile goes. Without an answer chromedriver is gone, and the browser with it.
  std::string reason;
  const auto deadline = in(kPatience);
  stream({.url = session_, .method = "DELETE"},
         {[](const HttpResponse&) {}, [](std::string_view) { return true; }, [&] { return Clock::now() > deadline; }},
         reason);
}

void Chromium::open(const std::string& url) { ask("/url", R"({"url":)" + quoted(url) + "}"); }

rapidjson::Document Chromium::run(const std::string& script) {
  return ask("/execute/sync", R"({"args":[],"script":)" + quoted(script) + "}");
}

void Chromium::show_on(Screen screen) {
  devtools("Emulation.setDeviceMetricsOverride", R"({"deviceScaleFactor":1,"width":)" + std::to_string(screen.width) +
                                                     R"(,"height":)" + std::to_string(screen.height) + R"(,"mobile":)" +
                                                     (screen.is_phone ? "true" : "false") + "}");
  devtools("Emulation.setEmulatedMedia", std::string{R"({"features":[{"name":"prefers-color-scheme","value":")"} +
                                             (screen.is_dark ? "dark" : "light") + R"("}]})");
}

std::vector<std::string> Chromium::errors() {
  std::vector<std::string> errors;
  const auto entries = ask("/se/log", R"({"type":"browser"})");
  for (const auto& entry : entries.GetArray()) {
    if (entry["level"] == "SEVERE" || entry["level"] == "WARNING") errors.emplace_back(entry["message"].GetString());
  }
  return errors;
}

void Chromium::type(const std::string& text) {
  std::string presses;
  for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
    next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0U) == 0x80U)
      ++next;  // UTF-8: one code point
    const auto key = quoted(text.substr(at, next - at));
    presses += presses.empty() ? "" : ",";
    presses += R"({"type":"keyDown","value":)" + key + R"(},{"type":"keyUp","value":)" + key + "}";
  }
  ask("/actions", R"({"actions":[{"type":"key","id":"keyboard","actions":[)" + presses + "]}]}");
}

rapidjson::Document Chromium::ask(const std::string& path, const std::string& json) {
  return value_of(post(session_ + path, json), path + " " + json);
}

void Chromium::devtools(const std::string& command, const std::string& parameters) {
  ask("/goog/cdp/execute", R"({"cmd":)" + quoted(command) + R"(,"params":)" + parameters + "}");
}

}  // namespace tailgate::test
