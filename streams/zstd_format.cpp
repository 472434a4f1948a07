#include "streams/zstd_format.h"

#include <cstdint>

#include "streams/zstd_compressor.h"

namespace tailgate {

namespace {

// RFC 8878 section 3.1.1.2.4: no block, stored or not, is larger than the window.
constexpr std::size_t kStoredMax = ZstdCompressor::kWindowBytes;

}  // namespace

std::unique_ptr<Compressor> ZstdFormat::make_compressor(Effort effort) const {
  return std::make_unique<ZstdCompressor>(effort == Effort::for_all ? ZstdCompressor::kLevel
                                                                    : ZstdCompressor::kFastLevel);
}

std::size_t ZstdFormat::compressor_bytes() const { return ZstdCompressor::kBytes; }

// The header of a frame like those of the compressor: of no known size, without checksum or dictionary.
void ZstdFormat::append_begin(std::string& out) const {
  constexpr int kWindowLogMin = 10;
  out += std::string_view{"\x28\xb5\x2f\xfd\0", 5};
  out += static_cast<char>((ZstdCompressor::kWindowLog - kWindowLogMin) << 3);
}

void ZstdFormat::append_stored(std::string& out, std::string_view plain) const {
  while (!plain.empty()) {
    const std::string_view block = plain.substr(0, kStoredMax);
    auto header = static_cast<std::uint32_t>(block.size() << 3);  // not the last one, raw
    for (int byte = 0; byte < 3; ++byte, header >>= 8) out += static_cast<char>(header & 0xff);
    out += block;
    plain.remove_prefix(block.size());
  }
}

void ZstdFormat::append_end(std::string& out, const CodedCheck&) const { out += ZstdCompressor::kFrameEnd; }

}  // namespace tailgate
