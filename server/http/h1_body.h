// The body of an HTTP/1.1 request, taken off its framing (RFC 9112, 6 and 7) as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/h1_head.h"
#include "server/http/options.h"
#include "server/http/request_rules.h"

namespace tailgate {

class H1Body {
 public:
  enum class State : std::uint8_t { partial, complete, refused };

  H1Body(const H1Head& head, const HttpOptions& options);

  // Takes what belongs to the body from the front of `input` and appends it to `body`, which grows only by what has
  // come.
  State take(std::string_view& input, std::string& body);
  const Refusal& refusal() const { return refusal_; }  // once refused

 private:
  enum class Part : std::uint8_t { data, data_end, size_line, trailers };

  State refuse(Refusal refusal);
  State take_line(std::string_view& input);
  State take_size(std::string_view line);

  std::size_t bytes_max_;
  std::size_t trailers_bytes_max_;
  std::size_t trailers_bytes_ = 0;
  std::uint64_t left_;  // of the body, or of the chunk
  bool is_chunked_;
  Part part_;
  std::size_t taken_ = 0;
  std::string line_;  // what has come of a size line, of the end of a chunk, or of a trailer line
  Refusal refusal_{};
};

}  // namespace tailgate
