// What a client makes of a compressed body that comes in pieces.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/c_handle.h"
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

// Frames, one behind the other: it may end where one has ended.
class Unzstd final : public Decoder {
 public:
  std::string read(std::string_view bytes) override {
    std::string text;
    if (bytes.empty()) return text;  // a frame that has ended would not be heard of again
    std::array<char, 4096> out;
    ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    do {
      to.pos = 0;
      const std::size_t result = ZSTD_decompressStream(context_.get(), &to, &from);
      text.append(out.data(), to.pos);
      is_broken_ = is_broken_ || ZSTD_isError(result) != 0;
      is_whole_ = result == 0;
    } while (!is_broken_ && (from.pos < from.size || to.pos == to.size));
    return text;
  }

 private:
  CHandle<ZSTD_DCtx, ZSTD_freeDCtx> context_{ZSTD_createDCtx()};
};

inline std::unique_ptr<Decoder> make_decoder(Coding coding) {
  if (coding == Coding::zstd) return std::make_unique<Unzstd>();
  return std::make_unique<Gunzip>();
}

}  // namespace tailgate::scripted
