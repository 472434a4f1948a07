#include "server/http/gather.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace tailgate {

Gather::Gather() : scratch_{std::make_unique<char[]>(kBytesMax)} {}

void Gather::clear() {
  scratch_used_ = 0;
  size_ = 0;
  count_ = 0;
}

void Gather::copy(std::string_view bytes) {
  if (bytes.empty()) return;
  assert(scratch_used_ + bytes.size() <= kBytesMax);
  char* const at = scratch_.get() + scratch_used_;
  std::memcpy(at, bytes.data(), bytes.size());
  scratch_used_ += bytes.size();
  add_piece(at, bytes.size());
}

void Gather::copy(std::initializer_list<std::string_view> parts) {
  char* const begin = scratch_.get() + scratch_used_;
  char* at = begin;
  for (const std::string_view part : parts) {
    assert(scratch_used_ + part.size() <= kBytesMax);
    at = std::copy(part.begin(), part.end(), at);
    scratch_used_ += part.size();
  }
  if (at != begin) add_piece(begin, static_cast<std::size_t>(at - begin));
}

void Gather::ref(std::string_view bytes) {
  if (bytes.size() <= kCopyMax) {
    copy(bytes);
  } else {
    add_piece(bytes.data(), bytes.size());
  }
}

void Gather::add_piece(const char* data, std::size_t bytes) {
  size_ += bytes;
  if (count_ > 0) {
    iovec& last = pieces_[count_ - 1];
    if (static_cast<const char*>(last.iov_base) + last.iov_len == data) {
      last.iov_len += bytes;
      return;
    }
  }
  assert(count_ < pieces_.size());  // each reference is over kCopyMax, so kTurnBytes cannot need as many
  pieces_[count_++] = {const_cast<char*>(data), bytes};  // only ever read
}

void Gather::copy_rest(std::size_t sent, std::string& rest) const {
  assert(sent <= size_);
  rest.reserve(rest.size() + size_ - sent);
  for (const iovec& piece : pieces()) {
    const std::size_t skipped = std::min(sent, piece.iov_len);
    sent -= skipped;
    rest.append(static_cast<const char*>(piece.iov_base) + skipped, piece.iov_len - skipped);
  }
}

}  // namespace tailgate
