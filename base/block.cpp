#include "base/block.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/out_of_memory.h"

namespace tailgate {

void FreeBlock::operator()(char* bytes) const noexcept { std::free(bytes); }

Block make_block(std::size_t bytes) {
  if (bytes < kHugePageBytes) {
    return Block{static_cast<char*>(malloc_or_end(bytes))};
  }
  const std::size_t rounded = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  Block block{static_cast<char*>(std::aligned_alloc(kHugePageBytes, rounded))};
  if (!block) end_out_of_memory();
  // A wish: where the kernel does not know it (before 5.14) the block is as good, only slower to fill.
  (void)madvise(block.get(), rounded, MADV_POPULATE_WRITE);
  return block;
}

}  // namespace tailgate
