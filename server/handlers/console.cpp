#include "server/handlers/console.h"

#include <string>

#include "server/handlers/field_list.h"

namespace tailgate {
namespace {

// RFC 9110 section 13.1.2: weak comparison.
bool names_etag(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    std::string_view tag = take_until(if_none_match, ',');
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag || tag == "*") return true;
  }
  return false;
}

}  // namespace

Response make_asset_response(const Asset& asset, const Request& request) {
  Response response;
  response.headers = {{"ETag", std::string{asset.etag}},
                      {"Cache-Control", "no-cache"},  // kept, and asked for each time whether it is still the same
                      {"Content-Security-Policy", std::string{kConsoleSecurityPolicy}},
                      {"Referrer-Policy", "no-referrer"}};
  const std::string* if_none_match = request.header("if-none-match");
  if (if_none_match && names_etag(*if_none_match, asset.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.push_back({"Content-Type", std::string{asset.content_type}});
  response.body = asset.bytes;
  return response;
}

}  // namespace tailgate
