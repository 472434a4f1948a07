// The console's files as answers.
#pragma once

#include "server/http/exchange.h"
#include "web/assets.h"

namespace tailgate {

// With ETag and Content-Security-Policy; 304 where If-None-Match names the ETag.
Response make_asset_response(const Asset& asset, const Request& request);

}  // namespace tailgate
