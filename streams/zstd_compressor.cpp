#include "streams/zstd_compressor.h"

#include <cassert>
#include <utility>

namespace tailgate {

namespace {

// Larger tables give nothing within this window.
constexpr int kTableLog = 12;
constexpr std::size_t kFrameHeaderBytes = 18;  // at most
constexpr std::size_t kBlockHeaderBytes = 3;

}  // namespace

ZstdCompressor::ZstdCompressor(int level) : context_{ZSTD_createCCtx()} {
  assert(context_);  // fails for want of memory only
  const auto set = [this](ZSTD_cParameter parameter, int value) {
    [[maybe_unused]] const std::size_t done = ZSTD_CCtx_setParameter(context_.get(), parameter, value);
    assert(ZSTD_isError(done) == 0);
  };
  set(ZSTD_c_compressionLevel, level);
  set(ZSTD_c_windowLog, kWindowLog);
  set(ZSTD_c_hashLog, kTableLog);
  set(ZSTD_c_chainLog, kTableLog);
  set(ZSTD_c_contentSizeFlag, 0);
}

void ZstdCompressor::restart() {
  ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only);
  is_restart_ = true;
}

void ZstdCompressor::compress(std::string_view plain, std::string& out) {
  if (std::exchange(is_restart_, false)) out += kFrameEnd;
  const std::size_t begin = out.size();
  const std::size_t blocks = plain.size() / kWindowBytes + 2;
  out.resize(begin + ZSTD_compressBound(plain.size()) + kFrameHeaderBytes + blocks * kBlockHeaderBytes);
  ZSTD_inBuffer from{plain.data(), plain.size(), 0};
  ZSTD_outBuffer to{out.data() + begin, out.size() - begin, 0};
  [[maybe_unused]] const std::size_t left = ZSTD_compressStream2(context_.get(), &to, &from, ZSTD_e_flush);
  assert(left == 0 && from.pos == plain.size());  // all of it is flushed
  out.resize(begin + to.pos);
}

}  // namespace tailgate
