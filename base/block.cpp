#include "base/block.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <mutex>

#include "base/out_of_memory.h"

namespace tailgate {

namespace {

// Blocks of kHugePageBytes that wait for their next use.
class Spares {
 public:
  char* take() {
    const std::scoped_lock lock{mutex_};
    if (count_ == 0) return nullptr;
    char* const block = blocks_[--count_];
    ASAN_UNPOISON_MEMORY_REGION(block, kHugePageBytes);
    return block;
  }
  // False: there are enough.
  bool keep(char* block) {
    const std::scoped_lock lock{mutex_};
    if (count_ == blocks_.size()) return false;
    ASAN_POISON_MEMORY_REGION(block, kHugePageBytes);
    blocks_[count_++] = block;
    return true;
  }

 private:
  std::mutex mutex_;
  std::array<char*, 4> blocks_{};
  std::size_t count_ = 0;
};

// Never destroyed: blocks may be freed until the process ends.
Spares& spares() {
  static Spares& spares = *new Spares;
  return spares;
}

}  // namespace

void FreeBlock::operator()(char* block) const noexcept {
  if (bytes == kHugePageBytes && spares().keep(block)) return;
  std::free(block);
}

Block make_block(std::size_t bytes) {
  if (bytes < kHugePageBytes) {
    return Block{static_cast<char*>(malloc_or_end(bytes)), FreeBlock{bytes}};
  }
  const std::size_t rounded = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  if (rounded == kHugePageBytes) {
    if (char* const spare = spares().take()) return Block{spare, FreeBlock{rounded}};
  }
  Block block{static_cast<char*>(std::aligned_alloc(kHugePageBytes, rounded)), FreeBlock{rounded}};
  if (!block) end_out_of_memory();
  // A wish: where the kernel does not know it (before 5.14) the block is as good, only slower to fill.
  (void)madvise(block.get(), rounded, MADV_POPULATE_WRITE);
  return block;
}

}  // namespace tailgate
