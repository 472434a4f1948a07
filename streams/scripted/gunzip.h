// What a client makes of a gzip member that comes in pieces.
#pragma once

#include <zlib.h>

#include <array>
#include <string>
#include <string_view>

namespace tailgate::scripted {

class Gunzip {
 public:
  Gunzip() { inflateInit2(&stream_, 15 + 16); }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // All that can be read with these bytes.
  std::string read(std::string_view bytes) {
    std::string text;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, 4096> out;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = out.size();
      const int result = inflate(&stream_, Z_SYNC_FLUSH);
      text.append(out.data(), out.size() - stream_.avail_out);
      is_ended_ = result == Z_STREAM_END;
      is_broken_ = is_broken_ || (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR);
    } while (!is_ended_ && !is_broken_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    is_broken_ = is_broken_ || stream_.avail_in > 0;
    return text;
  }
  // The member is complete, with the right checksum and size.
  bool is_ended() const { return is_ended_; }
  // It is no gzip, its checksum is wrong, or something follows its end.
  bool is_broken() const { return is_broken_; }

 private:
  z_stream stream_{};
  bool is_ended_ = false;
  bool is_broken_ = false;
};

}  // namespace tailgate::scripted
