// Where a stream goes on whose id lies beyond the end of the log.
#pragma once

#include <cstdint>

namespace tailgate {

enum class ResetPolicy : std::uint8_t { latest, earliest, stop };

}  // namespace tailgate
