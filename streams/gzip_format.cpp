#include "streams/gzip_format.h"

#include <zlib.h>

#include "streams/deflater.h"

namespace tailgate {

namespace {

constexpr std::size_t kStoredMax = 65'535;  // of one block

void append_little_endian(std::string& out, std::uint32_t number, int bytes) {
  for (; bytes > 0; --bytes, number >>= 8) out += static_cast<char>(number & 0xff);
}

const Bytef* bytes_of(std::string_view plain) { return reinterpret_cast<const Bytef*>(plain.data()); }

}  // namespace

std::unique_ptr<Compressor> GzipFormat::make_compressor(Effort) const { return std::make_unique<Deflater>(); }

std::size_t GzipFormat::compressor_bytes() const { return Deflater::kBytes; }

// No name, no time, of no system.
void GzipFormat::append_begin(std::string& out) const { out += std::string_view{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10}; }

void GzipFormat::append_stored(std::string& out, std::string_view plain) const {
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
void GzipFormat::append_end(std::string& out, const CodedCheck& check) const {
  out += std::string_view{"\x03\0", 2};
  append_little_endian(out, check.crc, 4);
  append_little_endian(out, check.bytes, 4);
}

CodedCheck::Part GzipFormat::part_of(std::string_view plain) const {
  const auto bytes = static_cast<z_off_t>(plain.size());
  return {static_cast<std::uint32_t>(crc32_z(0, bytes_of(plain), plain.size())),
          static_cast<std::uint32_t>(plain.size()), static_cast<std::uint32_t>(crc32_combine_gen(bytes))};
}

void GzipFormat::add(CodedCheck& check, std::string_view plain) const {
  check.crc = static_cast<std::uint32_t>(crc32_z(check.crc, bytes_of(plain), plain.size()));
  check.bytes += static_cast<std::uint32_t>(plain.size());
}

void GzipFormat::add(CodedCheck& check, const CodedCheck::Part& part) const {
  check.crc = static_cast<std::uint32_t>(crc32_combine_op(check.crc, part.crc, part.shift));
  check.bytes += part.bytes;
}

}  // namespace tailgate
