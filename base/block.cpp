#include "base/block.h"

#include <sys/mman.h>

#include <cstdlib>

namespace tailgate {

void FreeBlock::operator()(char* bytes) const noexcept { std::free(bytes); }

Block make_block(std::size_t bytes) {
  if (bytes < kHugePageBytes) {
    Block block{static_cast<char*>(std::malloc(bytes))};
    if (!block && bytes > 0) std::abort();  // out of memory
    return block;
  }
  const std::size_t pages = (bytes + kHugePageBytes - 1) / kHugePageBytes;
  Block block{static_cast<char*>(std::aligned_alloc(kHugePageBytes, pages * kHugePageBytes))};
  if (!block) std::abort();  // out of memory
  // A wish: without it the block is as good, only slower to fill. The last page is left out unless it is all used.
  (void)madvise(block.get(), bytes / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  return block;
}

}  // namespace tailgate
