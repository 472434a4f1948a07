#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/nearest_name.h"
#include "server/settings.h"

namespace tailgate {
namespace {

constexpr std::string_view kConfigFlag = "--config";
constexpr std::string_view kLibrdkafkaFlag = "--librdkafka";
constexpr std::array<std::string_view, 3> kCommands = {"serve", "demo", "check"};

Error bad_flag(std::string_view flag, const std::string& what) {
  return {ErrorCode::bad_config, "flag " + std::string{flag} + ": " + what};
}

// Their texts are read from the results: what they mean is the table's to say.
void add_flags(CLI::App& command) {
  command.set_help_flag();
  command.allow_extras();
  command.add_option(std::string{kConfigFlag});
  command.add_option(std::string{kLibrdkafkaFlag})->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  for (const Setting& setting : settings()) {
    CLI::Option* option = command.add_option(flag_of(setting));
    if (setting.is_list) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (setting.takes == "on or off") option->expected(0, 1);  // `--console` is `--console on`
  }
}

Error unknown(const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (!flag.starts_with("--")) return {ErrorCode::bad_config, "argument " + flag + ": flags begin with --"};
  std::vector<std::string> flags{std::string{kConfigFlag}, std::string{kLibrdkafkaFlag}};
  for (const Setting& setting : settings()) flags.push_back(flag_of(setting));
  const std::vector<std::string_view> names{flags.begin(), flags.end()};
  return bad_flag(flag, "unknown setting (did you mean " + std::string{nearest_name(flag, names)} + "?)");
}

Result<std::vector<Given>> read_flags(const CLI::App& command) {
  std::vector<Given> given;
  for (const Setting& setting : settings()) {
    const std::string flag = flag_of(setting);
    const CLI::Option* option = command.get_option(flag);
    if (option->count() == 0) continue;
    std::vector<std::string> texts = option->results();
    if (!setting.is_list && texts.size() > 1) return bad_flag(flag, "is given more than once");
    if (texts[0].empty() && setting.takes == "on or off") texts[0] = "on";
    given.push_back({std::string{setting.name}, std::move(texts), "flag " + flag});
  }
  const CLI::Option* properties = command.get_option(std::string{kLibrdkafkaFlag});
  for (const std::string& property : properties->results()) {
    const std::size_t equals = property.find('=');
    if (equals == property.npos || equals == 0) return bad_flag(kLibrdkafkaFlag, "must be NAME=VALUE");
    given.push_back({std::string{kLibrdkafka} + '.' + property.substr(0, equals),
                     {property.substr(equals + 1)},
                     "flag " + std::string{kLibrdkafkaFlag}});
  }
  return given;
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  const std::vector<std::string> arguments{argv + std::min(argc, 1), argv + argc};
  if (arguments.empty()) {
    return Error{ErrorCode::bad_config, "a command must be given: serve, demo or check (tailgate --help says more)"};
  }
  CommandLine line;  // of help
  if (arguments[0] == "help") return line;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return line;
  }
  if (arguments[0] == "--version" || arguments[0] == "version") {
    line.command = Command::version;
    return line;
  }
  if (arguments[0] == "--help-markdown") {
    line.command = Command::help_markdown;
    return line;
  }
  const auto command = std::find(kCommands.begin(), kCommands.end(), arguments[0]);
  if (command == kCommands.end() && arguments[0].starts_with('-')) {
    return Error{ErrorCode::bad_config,
                 "a command comes first: serve, demo or check; alone stand --help and --version (" + arguments[0] +
                     " is none of them)"};
  }
  if (command == kCommands.end()) {
    return Error{ErrorCode::bad_config, "command " + arguments[0] + ": unknown (did you mean " +
                                            std::string{nearest_name(arguments[0], kCommands)} + "?)"};
  }
  line.command = static_cast<Command>(command - kCommands.begin());

  CLI::App app;
  add_flags(app);
  // The parser wants the arguments last first.
  std::vector<std::string> rest{arguments.rbegin(), arguments.rend() - 1};
  try {
    app.parse(rest);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // begins with the flag
    return bad_flag(text.substr(0, text.find(':')), "takes one value, once");
  } catch (const CLI::ParseError& error) {
    std::string text = error.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return Error{ErrorCode::bad_config, "flag " + text};
  }
  if (const std::vector<std::string> extras = app.remaining(); !extras.empty()) return unknown(extras[0]);
  Result<std::vector<Given>> flags = read_flags(app);
  if (!flags) return flags.error();
  line.flags = std::move(*flags);
  const CLI::Option* config = app.get_option(std::string{kConfigFlag});
  if (config->count() > 0) line.config_file = config->results().back();
  return line;
}

}  // namespace tailgate
