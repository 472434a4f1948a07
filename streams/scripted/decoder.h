// What a client makes of a compressed body that comes in pieces.
#pragma once

#include <zlib.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "streams/coding.h"

namespace tailgate::scripted {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // All that can be read with these bytes.
  virtual std::string read(std::string_view bytes) = 0;
  // What came ends where such a body may end.
  bool is_whole() const { return is_whole_; }
  // It is not of this coding, its checksum is wrong, or something follows its end.
  bool is_broken() const { return is_broken_; }

 protected:
  bool is_whole_ = false;
  bool is_broken_ = false;
};

// One member: what may end has ended, with the right checksum and size.
class Gunzip final : public Decoder {
 public:
  Gunzip() { inflateInit2(&stream_, 15 + 16); }
  ~Gunzip() override { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  std::string read(std::string_view bytes) override {
    std::string text;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, 4096> out;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = out.size();
      const int result = inflate(&stream_, Z_SYNC_FLUSH);
      text.append(out.data(), out.size() - stream_.avail_out);
      is_whole_ = result == Z_STREAM_END;
      is_broken_ = is_broken_ || (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR);
    } while (!is_whole_ && !is_broken_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    is_broken_ = is_broken_ || stream_.avail_in > 0;
    return text;
  }

 private:
  z_stream stream_{};
};

inline std::unique_ptr<Decoder> make_decoder(Coding) { return std::make_unique<Gunzip>(); }

}  // namespace tailgate::scripted
