// Takes the body out of HTTP/1.1 responses that come in pieces cut anywhere. Written for speed on long bodies, and for
// servers that are trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailgate::bench {

class ResponseReader {
 public:
  enum class State : std::uint8_t { head, chunk_size, chunk_data, chunk_end, trailer, counted, until_close, done };

  // Hands out the body's bytes until the response is complete; bytes behind it are left in what is returned.
  template <class OnBody>
  std::string_view feed(std::string_view bytes, OnBody&& on_body) {
    while (!bytes.empty() && state_ != State::done) {
      switch (state_) {
        case State::chunk_data:
        case State::counted: {
          const auto part = bytes.substr(0, left_);
          on_body(part);
          bytes.remove_prefix(part.size());
          left_ -= part.size();
          if (left_ == 0) state_ = state_ == State::counted ? State::done : State::chunk_end;
          break;
        }
        case State::until_close:
          on_body(bytes);
          return {};
        default:
          take_line(bytes);
      }
    }
    return bytes;
  }

  bool has_head() const { return state_ != State::head; }
  bool is_done() const { return state_ == State::done; }
  int status() const { return status_; }
  const std::string& etag() const { return etag_; }
  const std::string& last_modified() const { return last_modified_; }

 private:
  void take_line(std::string_view& bytes);
  void take_head_line(std::string_view line);

  State state_ = State::head;
  int status_ = 0;
  bool is_chunked_ = false;
  std::uint64_t left_ = UINT64_MAX;  // of the chunk or of the body; UINT64_MAX: no length was given
  std::string line_;                 // its part that has come
  std::string etag_;
  std::string last_modified_;
};

}  // namespace tailgate::bench
