// Where the frames of an HTTP/2 connection begin (RFC 9113, 4.1), for rules that need to see each of them: libnghttp2
// tells nothing of frames that it passes over. WINDOW_UPDATE comes as a whole, so that it can be kept from it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tailgate {

struct H2FrameHeader {
  std::uint32_t length;
  std::uint8_t type;
  std::uint8_t flags;
  std::int32_t stream_id;
};

class H2FrameScan {
 public:
  // Takes a piece off the front of `input` (not empty) and gives what is to be read now, good until the next call: a
  // frame's header, part of a payload, a whole WINDOW_UPDATE; nothing while these have not all come.
  std::string_view take(std::string_view& input) {
    has_header_ = false;
    if (payload_left_ > 0) {
      const std::string_view piece = input.substr(0, payload_left_);
      payload_left_ -= piece.size();
      input.remove_prefix(piece.size());
      return piece;
    }
    if (!collect(input, kHeaderBytes) || (is_update() && !collect(input, kUpdateBytes))) return {};
    has_header_ = true;
    payload_left_ = header().length + kHeaderBytes - collected_;
    note_frame();
    return {bytes_.data(), std::exchange(collected_, 0)};
  }

  bool has_header() const { return has_header_; }
  // A header block has begun and not all of it has been taken.
  bool is_in_head() const { return is_in_block_ || (is_head_ && payload_left_ > 0); }
  H2FrameHeader header() const {
    return {static_cast<std::uint32_t>(number(0, 3)), static_cast<std::uint8_t>(bytes_[3]),
            static_cast<std::uint8_t>(bytes_[4]), static_cast<std::int32_t>(number(5, 4) & 0x7fffffffU)};
  }
  // Of the WINDOW_UPDATE that take() has just given whole; 0 of any other frame.
  std::uint32_t increment() const { return increment_; }

 private:
  static constexpr std::size_t kHeaderBytes = 9;
  static constexpr std::size_t kUpdateBytes = 13;   // RFC 9113, 6.9
  static constexpr std::size_t kPrefaceBytes = 24;  // RFC 9113, 3.4
  static constexpr std::uint8_t kHeaders = 1;
  static constexpr std::uint8_t kWindowUpdate = 8;
  static constexpr std::uint8_t kContinuation = 9;
  static constexpr std::uint8_t kEndHeaders = 4;

  // One that is allowed where it stands: not in place of the first SETTINGS, nor within a header block.
  bool is_update() const {
    return has_begun_ && !is_in_block_ && bytes_[3] == kWindowUpdate && header().length + kHeaderBytes == kUpdateBytes;
  }

  bool collect(std::string_view& input, std::size_t bytes) {
    if (collected_ >= bytes) return true;
    const std::size_t more = std::min(bytes - collected_, input.size());
    std::copy_n(input.begin(), more, bytes_.begin() + static_cast<std::ptrdiff_t>(collected_));
    collected_ += more;
    input.remove_prefix(more);
    return collected_ == bytes;
  }

  void note_frame() {
    increment_ = collected_ == kUpdateBytes ? static_cast<std::uint32_t>(number(kHeaderBytes, 4) & 0x7fffffffU) : 0;
    has_begun_ = true;
    const H2FrameHeader frame = header();
    is_head_ = frame.type == kHeaders || frame.type == kContinuation;
    is_in_block_ = is_head_ && (frame.flags & kEndHeaders) == 0;
  }

  std::uint64_t number(std::size_t at, std::size_t bytes) const {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + bytes; ++i) value = value << 8U | static_cast<unsigned char>(bytes_[i]);
    return value;
  }

  std::array<char, kUpdateBytes> bytes_{};
  std::size_t collected_ = 0;
  std::size_t payload_left_ = kPrefaceBytes;
  std::uint32_t increment_ = 0;
  bool has_header_ = false;
  bool has_begun_ = false;
  bool is_head_ = false;  // the frame at hand is of a header block
  bool is_in_block_ = false;
};

}  // namespace tailgate
