// Errors as clients get them: application/problem+json (RFC 9457), and the one place where an error becomes a status.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "server/http/exchange.h"

namespace tailgate {

inline constexpr std::size_t kProblemBytesMax = 1024;
inline constexpr int kRetryAfterDownS = 5;  // Kafka away

// The same for a topic that does not exist and for one that may not be read.
inline constexpr std::string_view kNoSuchTopic = "there is no such topic, or it may not be read";

int status_of(ErrorCode code);
std::string_view problem_code_of(ErrorCode code);

// {"type","title","status","detail","code"}, at most kProblemBytesMax. `code` is made of [a-z0-9_]; `detail` is a
// sentence of ours without raw input, and is cut if it is too long.
Response make_problem(int status, std::string_view code, std::string_view detail);

// The same, with the time after which asking again may help.
Response make_problem(int status, std::string_view code, std::string_view detail, int retry_after_s);

// What was wrong with the request is said; what went wrong inside stays in the log. 503 has a Retry-After.
Response make_problem(const Error& error);

}  // namespace tailgate
