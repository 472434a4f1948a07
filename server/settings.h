// The one table of all settings: validation, --help and docs/configuration.md come from it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"

namespace tailgate {

struct Setting {
  std::string_view name;  // as in the file; TAILGATE_ and capitals in the environment; -- and dashes as a flag
  std::string takes;      // "a duration from 100ms to 10m"
  std::string_view doc;   // one or two sentences
  bool is_list = false;
  bool is_reloadable = false;  // SIGHUP takes it over; else a change is named in the log
  // Takes the texts (of a scalar: one) into the configuration; false: they are not what it takes.
  std::function<bool(Config&, const std::vector<std::string>&)> take = {};
  // What stands in the configuration, as text; "" for nothing.
  std::function<std::string(const Config&)> show = {};
};

// In the order of the documentation.
std::span<const Setting> settings();

// librdkafka's own properties are given beside the table, as [librdkafka], --librdkafka NAME=VALUE and
// TAILGATE_LIBRDKAFKA__NAME.
inline constexpr std::string_view kLibrdkafka = "librdkafka";

std::string flag_of(const Setting& setting);         // --max-connections
std::string environment_of(const Setting& setting);  // TAILGATE_MAX_CONNECTIONS

}  // namespace tailgate
