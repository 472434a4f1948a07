#include "server/handlers/closed_range.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "server/handlers/field_list.h"

namespace tailgate {
namespace {

// Of the bytes themselves: of a topic that was made anew the same ids are other records.
std::string entity_tag(std::string_view body) { return '"' + sha256_hex(body).substr(0, 32) + '"'; }

// RFC 9110 section 13.1.2: a tag that a proxy has made weak (by compressing) is the same one.
bool has_tag(const std::string* if_none_match, std::string_view tag) {
  for (std::string_view rest = if_none_match ? std::string_view{*if_none_match} : std::string_view{}; !rest.empty();) {
    std::string_view known = take_until(rest, ',');
    if (known.starts_with("W/")) known.remove_prefix(2);
    if (known == tag || known == "*") return true;
  }
  return false;
}

}  // namespace

bool is_closed_range(const StreamRequest& request) {
  const bool is_by_id = std::all_of(request.topics.begin(), request.topics.end(),
                                    [&request](const std::string& name) { return request.position.contains(name); });
  return request.representation == Representation::json && is_by_id && !request.is_id_in_field &&
         request.cursor.empty() && std::holds_alternative<UntilPosition>(request.until);
}

bool is_final(const PollAnswer& answer) {
  const std::string_view why = answer.why_ended;
  return !answer.has_events && (why == "until" || why == "limit" || why == "max_bytes");
}

void let_caches_keep(Response& response, const StreamRequest& stream, const Request& request) {
  std::string tag = entity_tag(response.body);
  const bool is_known = has_tag(request.header("if-none-match"), tag);
  // nginx keeps nothing that it does not buffer.
  std::erase_if(response.headers, [](const ResponseField& field) { return field.name == "X-Accel-Buffering"; });
  for (ResponseField& field : response.headers) {
    // There is no identity: every stream is public, and the answer the same whoever asks. One that is not will be
    // `private`, and vary by Authorization and Cookie.
    if (field.name == "Cache-Control") field.value = "public, max-age=" + std::to_string(kRangeFreshS) + ", immutable";
    if (field.name == "Vary")
      field.value = stream.is_as_given ? "Prefer, Last-Event-ID" : "Accept, Prefer, Last-Event-ID";
  }
  response.headers.push_back({"ETag", std::move(tag)});
  if (!is_known) return;
  response.status = 304;
  response.body.clear();
}

}  // namespace tailgate
