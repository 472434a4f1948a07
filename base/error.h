// How failures of the outside world (clients, brokers, files) travel: as values, always looked at.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace tailgate {

enum class ErrorCode : std::uint8_t {
  bad_request,     // the input is wrong; `detail` names the part and what would be right
  bad_id,          // the same of an id
  newer_id,        // an id in a form that a later version makes
  not_acceptable,  // none of the representations is one that the client takes
  not_found,       // does not exist, or is not exposed: the two are never told apart
  not_allowed,     // refused by identity or origin
  too_many,        // a limit was reached
  position_gone,   // the records asked for are no longer kept
  upstream_down,   // Kafka or Redis did not answer in time
  bad_config,      // the start ends with it
};

struct [[nodiscard]] Error {
  Error() = default;  // asked for by Result::error(), never made: there is no error without a code
  Error(ErrorCode code_in, std::string detail_in) : code{code_in}, detail{std::move(detail_in)} {}
  ErrorCode code = ErrorCode::bad_request;
  std::string detail;  // a sentence for a person. From bad_request it reaches the client and never repeats raw input.
};

template <class T>
using Result = boost::system::result<T, Error>;

// Reached only by a `value()` on an error: a bug of ours.
[[noreturn]] inline void throw_exception_from_error(const Error&, const boost::source_location&) { std::abort(); }

}  // namespace tailgate
