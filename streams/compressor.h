// What makes bytes smaller, piece by piece, each of which ends at a byte.
#pragma once

#include <string>
#include <string_view>

namespace tailgate {

// Threads: one at a time.
class Compressor {
 public:
  virtual ~Compressor() = default;

  // What comes next refers to nothing before it, and may follow any other piece of its coding.
  virtual void restart() = 0;
  // Appends `plain`, compressed and flushed: whoever has the bytes up to here can read all of it.
  virtual void compress(std::string_view plain, std::string& out) = 0;
};

}  // namespace tailgate
