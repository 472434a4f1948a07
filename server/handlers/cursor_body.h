// The body of a PUT on a cursor: {"position":{"TOPIC":"ID",…},"generation":N}.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "cursors/position.h"

namespace tailgate {

struct CursorBody {
  Position position;  // not empty; topics as they stand there, any text; at most kCursorPartitionsMax partitions
  std::optional<std::int64_t> generation;
};

// bad_request: no JSON object of that form, a member twice or unknown, more partitions; the sentence says which.
Result<CursorBody> parse_cursor_body(std::string_view json);

}  // namespace tailgate
