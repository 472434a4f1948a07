// tailgate serve|demo|check [flags], --help, --version.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "server/load_config.h"

namespace tailgate {

enum class Command : std::uint8_t { serve, demo, check, help, version, help_markdown };

struct CommandLine {
  Command command = Command::help;
  std::string config_file;   // of --config; "": none
  std::vector<Given> flags;  // in the order of the table of settings
};

// bad_config: one line that says what is wrong with it.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace tailgate
