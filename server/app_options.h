// From the configuration to what each part takes.
#pragma once

#include "base/error.h"
#include "server/app.h"
#include "server/config.h"

namespace tailgate {

// bad_config: an address that does not parse, or an https one without a certificate.
Result<AppOptions> app_options(const Config& config);

}  // namespace tailgate
