// Where the frames of an HTTP/2 connection begin (RFC 9113, 4.1), for rules that need to see each of them: libnghttp2
// tells nothing of frames that it passes over.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tailgate {

struct H2FrameHeader {
  std::uint32_t length;
  std::uint8_t type;
  std::uint8_t flags;
  std::int32_t stream_id;
};

class H2FrameScan {
 public:
  // Takes a piece off the front of `input` (not empty), of one frame at most. has_header() then tells whether a frame's
  // header was completed by it.
  std::string_view take(std::string_view& input) {
    has_header_ = false;
    std::size_t bytes = 0;
    if (payload_left_ == 0) {
      bytes = std::min(kHeaderBytes - header_bytes_, input.size());
      std::copy_n(input.begin(), bytes, header_.begin() + static_cast<std::ptrdiff_t>(header_bytes_));
      header_bytes_ += bytes;
      if (header_bytes_ == kHeaderBytes) {
        header_bytes_ = 0;
        has_header_ = true;
        payload_left_ = header().length;
      }
    }
    const std::size_t payload = std::min(payload_left_, input.size() - bytes);
    payload_left_ -= payload;
    const std::string_view piece = input.substr(0, bytes + payload);
    input.remove_prefix(piece.size());
    return piece;
  }

  bool has_header() const { return has_header_; }
  H2FrameHeader header() const {
    return {static_cast<std::uint32_t>(number(0, 3)), static_cast<std::uint8_t>(header_[3]),
            static_cast<std::uint8_t>(header_[4]), static_cast<std::int32_t>(number(5, 4) & 0x7fffffffU)};
  }

 private:
  static constexpr std::size_t kHeaderBytes = 9;
  static constexpr std::size_t kPrefaceBytes = 24;  // RFC 9113, 3.4

  std::uint64_t number(std::size_t at, std::size_t bytes) const {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + bytes; ++i) value = value << 8U | static_cast<unsigned char>(header_[i]);
    return value;
  }

  std::array<char, kHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;
  std::size_t payload_left_ = kPrefaceBytes;
  bool has_header_ = false;
};

}  // namespace tailgate
