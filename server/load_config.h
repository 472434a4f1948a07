// Putting the configuration together: the defaults, the file, the environment, the flags; the later one wins.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "server/config.h"

namespace tailgate {

// A setting as somebody gave it.
struct Given {
  std::string name;                // as in the file: max_connections; librdkafka's own: librdkafka.client.rack
  std::vector<std::string> texts;  // of a list: its entries, each of which may be several with commas between them
  std::string source;              // "flag --max-connections": for messages
};

struct ConfigSources {
  Mode mode = Mode::serve;
  std::string file;                      // "": the one that TAILGATE_CONFIG names, or none
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<Given> flags;
  std::uint64_t open_files_max = 0;  // how many file descriptors the process may have; 0: not known
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string, std::less<>> sources;  // of what is not a default: name -> source
  std::vector<std::string> warnings;                        // lines for the log

  // "threads (flag --threads)", to begin a message about a setting with.
  std::string naming(std::string_view name) const;
};

// bad_config: one line that names the setting, its source and what would be right.
Result<LoadedConfig> load_config(const ConfigSources& sources);

// The names of the settings in which two configurations differ.
std::vector<std::string> changed_settings(const Config& before, const Config& after);

}  // namespace tailgate
