// How bad it is what parts that do not know the log have to say.
#pragma once

#include <cstdint>

namespace tailgate {

enum class ReportLevel : std::uint8_t { info, warning, error };

}  // namespace tailgate
