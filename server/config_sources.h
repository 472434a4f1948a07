// Reading settings where they are given: a TOML file, the environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "server/load_config.h"

namespace tailgate {

// Every key of the file, known or not; its source names file and line. bad_config: it cannot be read, or is no TOML.
Result<std::vector<Given>> read_config_file(const std::string& path);

// Every TAILGATE_ variable that is not empty; what Kubernetes puts there for a service of this name
// (TAILGATE_SERVICE_*, TAILGATE_PORT*) and TAILGATE_CONFIG are passed over.
std::vector<Given> read_environment(const std::vector<std::string>& environment);

// The value of a variable; "" if it is not there.
std::string find_variable(const std::vector<std::string>& environment, std::string_view name);

}  // namespace tailgate
