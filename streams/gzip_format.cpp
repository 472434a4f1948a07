#include "streams/gzip_format.h"

#include <zlib.h>

#include <algorithm>

namespace tailgate {

namespace {

constexpr std::size_t kStoredMax = 65'535;  // of one block

void append_little_endian(std::string& out, std::uint32_t number, int bytes) {
  for (; bytes > 0; --bytes, number >>= 8) out += static_cast<char>(number & 0xff);
}

const Bytef* bytes_of(std::string_view plain) { return reinterpret_cast<const Bytef*>(plain.data()); }

}  // namespace

GzipCheck::Part GzipCheck::part(std::string_view plain) {
  const auto bytes = static_cast<z_off_t>(plain.size());
  return Part{static_cast<std::uint32_t>(crc32_z(0, bytes_of(plain), plain.size())),
              static_cast<std::uint32_t>(plain.size()), static_cast<std::uint32_t>(crc32_combine_gen(bytes))};
}

void GzipCheck::add(std::string_view plain) {
  crc_ = static_cast<std::uint32_t>(crc32_z(crc_, bytes_of(plain), plain.size()));
  bytes_ += static_cast<std::uint32_t>(plain.size());
}

void GzipCheck::add(const Part& part) {
  crc_ = static_cast<std::uint32_t>(crc32_combine_op(crc_, part.crc, part.shift));
  bytes_ += part.bytes;
}

// No name, no time, of no system.
void append_gzip_header(std::string& out) { out += std::string_view{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10}; }

void append_stored(std::string& out, std::string_view plain) {
  while (!plain.empty()) {
    const std::string_view block = plain.substr(0, kStoredMax);
    const auto size = static_cast<std::uint32_t>(block.size());
    out += '\0';
    append_little_endian(out, size, 2);
    append_little_endian(out, ~size, 2);
    out += block;
    plain.remove_prefix(block.size());
  }
}

// An empty block that says it is the last one.
void append_gzip_end(std::string& out, const GzipCheck& check) {
  out += std::string_view{"\x03\0", 2};
  append_little_endian(out, check.crc(), 4);
  append_little_endian(out, check.bytes(), 4);
}

}  // namespace tailgate
