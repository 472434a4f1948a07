// The parts of a gzip member (RFC 1952) that are not deflate's: its header, blocks that are stored, its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tailgate {

// The checksum and size of what a member holds, by which clients know that they have all of it.
class GzipCheck {
 public:
  // Of bytes that many members hold: computed once, joined to each in about 30 ns however many they are.
  struct Part {
    std::uint32_t crc = 0;
    std::uint32_t bytes = 0;
    std::uint32_t shift = 0;  // zlib's, of the length
  };
  static Part part(std::string_view plain);

  void add(std::string_view plain);
  void add(const Part& part);
  std::uint32_t crc() const { return crc_; }
  std::uint32_t bytes() const { return bytes_; }  // modulo 2^32

 private:
  std::uint32_t crc_ = 0;
  std::uint32_t bytes_ = 0;
};

// Each appends whole bytes, and what comes next begins at a byte.
void append_gzip_header(std::string& out);
void append_stored(std::string& out, std::string_view plain);
void append_gzip_end(std::string& out, const GzipCheck& check);

}  // namespace tailgate
