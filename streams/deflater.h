// Raw deflate (RFC 1951): owner of a zlib stream.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "streams/compressor.h"

namespace tailgate {

class Deflater final : public Compressor {
 public:
  // What one costs, about.
  static constexpr std::size_t kBytes = std::size_t{72} << 10;

  Deflater();
  ~Deflater() override;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void restart() override;
  void compress(std::string_view plain, std::string& out) override;

 private:
  z_stream stream_{};
};

}  // namespace tailgate
