// JSON taken apart without changing a byte: what is inlined verbatim has to be compared verbatim.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate::ledger {

// Name (without quotes) -> text of the value.
using JsonMembers = std::vector<std::pair<std::string_view, std::string_view>>;

// The top level of an object, or the elements of an array, as they stand in `text`. nullopt: it is none. Inner values
// are only scanned for their end: is_json() says whether all of it is right.
std::optional<JsonMembers> json_members(std::string_view text);
std::optional<std::vector<std::string_view>> json_elements(std::string_view text);

bool is_json(std::string_view text);

// The first member of that name, or "".
std::string_view json_member(const JsonMembers& members, std::string_view name);
// What a JSON string says; nullopt when it is none.
std::optional<std::string> json_string(std::string_view text);
// An integer; nullopt when it is none.
std::optional<std::int64_t> json_integer(std::string_view text);
std::optional<std::string> base64_bytes(std::string_view text);

}  // namespace tailgate::ledger
