// What both protocols ask of a request, beyond their framing.
#pragma once

#include <cstdint>
#include <string_view>

namespace tailgate {

// Why the session itself refuses a request. The texts never repeat input.
struct Refusal {
  int status;
  std::string_view code;
  std::string_view detail;
};

// Of requests in either version of HTTP.
inline constexpr Refusal kTargetTooLong{414, "target_too_long", "The request target is too long."};
inline constexpr Refusal kFieldsTooLarge{431, "fields_too_large", "The header fields are too large."};
inline constexpr Refusal kTooManyFields{431, "too_many_fields", "There are too many header fields."};
inline constexpr Refusal kNoRoom{503, "overloaded",
                                 "There is no room for more: too much waits for clients that send or take it slowly."};
inline constexpr Refusal kBodyTooLarge{413, "body_too_large", "The request body is too large."};
inline constexpr Refusal kUnknownMethod{501, "unknown_method", "The method is not implemented."};

// A method that some resource may take; another valid token is 501.
bool is_known_method(std::string_view method);
// Whether a body is of no use to it.
bool is_bodiless_method(std::string_view method);
// RFC 9110, 5.6.2.
bool is_token(std::string_view text);
// `host[:port]` (RFC 3986, 3.2) without user information; not empty.
bool is_authority(std::string_view text);
// Visible ASCII or above 0x7f: what a request target may be made of before it is decoded.
bool is_target(std::string_view text);
// RFC 9110, 5.5, without leading and trailing white space.
bool is_field_value(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
char lower(char c);
// Takes the next member off a comma-separated list (RFC 9110, 5.6.1), trimmed; "" may be one.
std::string_view take_list_member(std::string_view& list);
std::string_view trim(std::string_view text);

}  // namespace tailgate
