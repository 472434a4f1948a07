// The table of settings for readers: --help and docs/configuration.md.
#pragma once

#include <string>

namespace tailgate {

// What `tailgate --help` prints.
std::string help_text();

// docs/configuration.md, as it has to stand there.
std::string settings_markdown();

}  // namespace tailgate
