#include "server/http/h2_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/out_of_memory.h"

namespace tailgate {

nghttp2_session* H2Memory::make_server(const nghttp2_session_callbacks* callbacks, void* user_data,
                                       const nghttp2_option* option) {
  nghttp2_mem functions{this, allocate, release, allocate_zeroed, reallocate};
  nghttp2_session* session = nullptr;
  is_wanted_ = true;
  const int made = nghttp2_session_server_new3(&session, callbacks, user_data, option, &functions);
  is_wanted_ = false;
  if (made != 0) end_out_of_memory();
  return session;
}

void* H2Memory::allocate(std::size_t bytes, void*) { return malloc_or_end(bytes); }

void* H2Memory::allocate_zeroed(std::size_t count, std::size_t bytes, void*) { return calloc_or_end(count, bytes); }

void* H2Memory::reallocate(void* old, std::size_t bytes, void* self_pointer) {
  H2Memory& self = *static_cast<H2Memory*>(self_pointer);
  if (old == nullptr && self.is_wanted_ && bytes >= kFrameBytesMin) {
    self.is_wanted_ = false;
    if (!self.frame_) {
      self.frame_ = std::make_unique<char[]>(bytes);
      self.frame_bytes_ = bytes;
    }
    if (bytes <= self.frame_bytes_) return self.frame_.get();
  }
  if (old == nullptr || old != self.frame_.get()) return realloc_or_end(old, bytes);
  void* const own = malloc_or_end(bytes);
  std::memcpy(own, old, std::min(bytes, self.frame_bytes_));
  return own;
}

void H2Memory::release(void* memory, void* self) {
  if (memory == nullptr || memory != static_cast<H2Memory*>(self)->frame_.get()) std::free(memory);
}

}  // namespace tailgate
