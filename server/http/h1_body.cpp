#include "server/http/h1_body.h"

#include <algorithm>
#include <charconv>

namespace tailgate {
namespace {

// A size and what extensions anybody sends; nothing here reads them.
constexpr std::size_t kSizeLineBytesMax = 256;
constexpr std::size_t kSizeDigitsMax = 15;

constexpr Refusal kBadChunk{400, "bad_chunk", "The chunked body is not formed as RFC 9112 says."};
constexpr Refusal kTrailersTooLarge{431, "trailers_too_large", "The trailer fields are too large."};

bool is_extension_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

}  // namespace

H1Body::H1Body(const H1Head& head, const HttpOptions& options)
    : bytes_max_{is_bodiless_method(head.request.method) ? options.get_body_bytes_max : options.body_bytes_max},
      trailers_bytes_max_{options.trailers_bytes_max},
      left_{head.framing == H1Head::Framing::length ? head.body_bytes : 0},
      is_chunked_{head.framing == H1Head::Framing::chunked},
      part_{is_chunked_ ? Part::size_line : Part::data} {}

H1Body::State H1Body::refuse(Refusal refusal) {
  refusal_ = refusal;
  return State::refused;
}

H1Body::State H1Body::take(std::string_view& input, std::string& body) {
  if (left_ > bytes_max_) return refuse(kBodyTooLarge);
  for (;;) {
    if (part_ != Part::data) {
      const State state = take_line(input);
      if (state != State::partial || part_ != Part::data) return state;
    }
    const std::size_t bytes = std::min<std::uint64_t>(left_, input.size());
    body.append(input.substr(0, bytes));
    input.remove_prefix(bytes);
    left_ -= bytes;
    if (left_ > 0) return State::partial;
    if (!is_chunked_) return State::complete;
    part_ = Part::data_end;
  }
}

// Until data comes next, the body is complete or the input is used up.
H1Body::State H1Body::take_line(std::string_view& input) {
  while (part_ != Part::data) {
    const auto newline = input.find('\n');
    const std::size_t bytes = newline == std::string_view::npos ? input.size() : newline + 1;
    const std::size_t line_bytes_max = part_ == Part::trailers ? trailers_bytes_max_ : kSizeLineBytesMax;
    if (line_.size() + bytes > line_bytes_max) return refuse(part_ == Part::trailers ? kTrailersTooLarge : kBadChunk);
    line_.append(input.substr(0, bytes));
    input.remove_prefix(bytes);
    if (newline == std::string_view::npos) {
      // What cannot become the end of a chunk is refused before the rest of a line has come.
      const bool may_end_chunk = std::string_view{"\r\n"}.starts_with(line_);
      return part_ == Part::data_end && !may_end_chunk ? refuse(kBadChunk) : State::partial;
    }
    if (!line_.ends_with("\r\n")) return refuse(kBadChunk);
    const std::string_view line = std::string_view{line_}.substr(0, line_.size() - 2);
    switch (part_) {
      case Part::data_end:
        if (!line.empty()) return refuse(kBadChunk);
        part_ = Part::size_line;
        break;
      case Part::size_line:
        if (const State state = take_size(line); state == State::refused) return state;
        break;
      case Part::trailers:
        // Read past, never merged into the fields (RFC 9110, 6.5.1).
        if (line.empty()) return State::complete;
        trailers_bytes_ += line_.size();
        if (trailers_bytes_ > trailers_bytes_max_) return refuse(kTrailersTooLarge);
        break;
      case Part::data:
        break;
    }
    line_.clear();
  }
  return State::partial;
}

H1Body::State H1Body::take_size(std::string_view line) {
  const char* const end = line.data() + line.size();
  std::uint64_t size = 0;
  const auto [digits_end, error] = std::from_chars(line.data(), end, size, 16);
  const auto digits = static_cast<std::size_t>(digits_end - line.data());
  if (error != std::errc{} || digits == 0 || digits > kSizeDigitsMax) return refuse(kBadChunk);
  const std::string_view extension = line.substr(digits);
  const auto first = extension.find_first_not_of(" \t");
  if (first != std::string_view::npos && extension[first] != ';') return refuse(kBadChunk);
  if (first == std::string_view::npos && !extension.empty()) return refuse(kBadChunk);
  if (!std::all_of(extension.begin(), extension.end(), is_extension_char)) return refuse(kBadChunk);
  taken_ += size;
  if (size > bytes_max_ || taken_ > bytes_max_) return refuse(kBodyTooLarge);
  left_ = size;
  part_ = size == 0 ? Part::trailers : Part::data;
  return State::partial;
}

}  // namespace tailgate
