// The memory of libnghttp2's sessions on one io thread, most of which they share.
//
// A session takes 16 KB when it is made, in which it writes the frame that it hands out next. What is in there is of
// use from within nghttp2_session_mem_send until its caller has copied it, and nobody else of the thread runs
// meanwhile: one buffer does for all. (What a header block needs beyond a frame is taken apart from it.)
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <memory>

namespace tailgate {

// Threads: one, with all sessions that it makes. Outlives them.
class H2Memory {
 public:
  H2Memory() = default;
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;

  // As nghttp2_session_server_new3; without memory the process ends.
  nghttp2_session* make_server(const nghttp2_session_callbacks* callbacks, void* user_data,
                               const nghttp2_option* option);

 private:
  // Below this it is not the buffer: the payload of a frame, at least (RFC 9113, 4.2).
  static constexpr std::size_t kFrameBytesMin = 16 * 1024;

  static void* allocate(std::size_t bytes, void* self);
  static void* allocate_zeroed(std::size_t count, std::size_t bytes, void* self);
  static void* reallocate(void* old, std::size_t bytes, void* self);
  static void release(void* memory, void* self);

  std::unique_ptr<char[]> frame_;
  std::size_t frame_bytes_ = 0;
  bool is_wanted_ = false;  // by the session that is being made
};

}  // namespace tailgate
