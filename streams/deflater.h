// Raw deflate (RFC 1951) whose output ends at a byte after every piece: owner of a zlib stream.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tailgate {

// Threads: one at a time.
class Deflater {
 public:
  // What one costs, about.
  static constexpr std::size_t kBytes = std::size_t{72} << 10;

  Deflater();
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // What comes next refers to nothing before it.
  void restart();
  // Appends `plain`, compressed and flushed: whoever has the bytes up to here can read all of it.
  void deflate(std::string_view plain, std::string& out);

 private:
  z_stream stream_{};
};

}  // namespace tailgate
