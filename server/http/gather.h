// The scratch of an io thread in which one write is gathered: small pieces are copied together, large ones referred to.
//
// Threads: one. Contents are good until clear(), and references only during the flush that made them.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_source.h"

namespace tailgate {

class Gather final : public ByteSink {
 public:
  // Below this a copy is cheaper than one more piece for the kernel.
  static constexpr std::size_t kCopyMax = 1024;
  // What one flush gathers at most: kTurnBytes with its framing, and a last frame or head on top.
  static constexpr std::size_t kBytesMax = 192 * 1024;

  Gather();
  void copy(std::string_view bytes) override;
  // Several, one behind the other.
  void copy(std::initializer_list<std::string_view> parts);
  void ref(std::string_view bytes) override;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const iovec> pieces() const { return {pieces_.data(), count_}; }
  void clear();
  // Appends what lies behind the first `sent` bytes.
  void copy_rest(std::size_t sent, std::string& rest) const;

 private:
  void add_piece(const char* data, std::size_t bytes);

  std::unique_ptr<char[]> scratch_;
  std::size_t scratch_used_ = 0;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::array<iovec, 512> pieces_;
};

}  // namespace tailgate
