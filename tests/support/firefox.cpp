#include "tests/support/firefox.h"

#include <stdexcept>

namespace tailgate::test {
namespace {

// Port 0: Firefox takes a free one and writes it into its profile. Nothing is asked of the outside world.
constexpr const char* kPreferences = R"(user_pref("marionette.port", 0);
user_pref("app.normandy.enabled", false);
user_pref("app.update.auto", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("toolkit.telemetry.enabled", false);
)";

}  // namespace

Firefox::Firefox()
    : process_{{"firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", make_profile().string()},
               folder_ / "firefox.log",
               {{"HOME", folder_.path().string()}}} {
  const auto port_file = make_profile() / "MarionetteActivePort";
  std::string port;
  if (!eventually([&] { return std::filesystem::exists(port_file) && !(port = read_file(port_file)).empty(); },
                  in(2 * kPatience)))
    throw std::runtime_error("Firefox does not start: " + read_file(folder_ / "firefox.log"));
  socket_ = std::make_unique<RawConnection>(std::stoi(port));
  read_message();  // it introduces itself
  ask("WebDriver:NewSession", R"({"acceptInsecureCerts":true})");
}

std::filesystem::path Firefox::make_profile() const {
  const auto profile = folder_ / "profile";
  if (std::filesystem::create_directory(profile)) write_file(profile / "user.js", kPreferences);
  return profile;
}

void Firefox::open(const std::string& url) { ask("WebDriver:Navigate", R"({"url":)" + quoted(url) + "}"); }

rapidjson::Document Firefox::run(const std::string& script) {
  const auto answer = ask("WebDriver:ExecuteScript", R"({"args":[],"script":)" + quoted(script) + "}");
  rapidjson::Document value;
  value.CopyFrom(answer["value"], value.GetAllocator());
  return value;
}

rapidjson::Document Firefox::ask(const std::string& command, const std::string& parameters) {
  const auto number = std::to_string(++asked_);
  const auto message = "[0," + number + "," + quoted(command) + "," + parameters + "]";
  if (!socket_->write(std::to_string(message.size()) + ":" + message))
    throw std::runtime_error("Firefox is gone: " + command);
  rapidjson::Document answer;
  const auto text = read_message();
  answer.Parse(text.c_str(), text.size());
  if (answer.HasParseError() || !answer.IsArray() || answer.Size() != 4 || !answer[2].IsNull())
    throw std::runtime_error(command + " " + parameters + ": " + text);
  rapidjson::Document result;
  result.CopyFrom(answer[3], result.GetAllocator());
  return result;
}

std::string Firefox::read_message() {
  const auto length = socket_->read_until(":", in(2 * kPatience));
  return socket_->read_exactly(std::stoul(length), in(2 * kPatience));
}

}  // namespace tailgate::test
