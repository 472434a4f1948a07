// The Date field (RFC 9110, 6.6.1), written once a second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailgate {

class DateLine {
 public:
  // `Date: Tue, 15 Nov 1994 08:12:31 GMT` and CRLF. Good until the next call.
  std::string_view line(std::int64_t wall_ms);
  // Only the value.
  std::string_view value(std::int64_t wall_ms);

 private:
  std::int64_t second_ = -1;
  std::string line_;
};

}  // namespace tailgate
