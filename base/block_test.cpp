#include "base/block.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace tailgate {
namespace {

TEST(Block, ALargeOneBeginsWhereAHugePageMayAndIsThereToBeWritten) {
  for (const std::size_t bytes : {kHugePageBytes, kHugePageBytes + 1, 3 * kHugePageBytes}) {
    const Block block = make_block(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % kHugePageBytes, 0U) << bytes;
    std::memset(block.get(), 'x', bytes);
    EXPECT_EQ(block[bytes - 1], 'x');
  }
}

TEST(Block, OneThatWasFreedIsTheNext) {
  Block first = make_block(kHugePageBytes);
  const Block other = make_block(kHugePageBytes);
  const char* const where = first.get();
  first.reset();
  Block next = make_block(kHugePageBytes);
  EXPECT_EQ(next.get(), where);
  std::memset(next.get(), 'x', kHugePageBytes);
  EXPECT_NE(next.get(), other.get());
}

TEST(Block, NoneIsGivenTwice) {
  std::vector<Block> blocks(20);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = make_block(kHugePageBytes);
      std::memset(blocks[i].get(), static_cast<int>(i), kHugePageBytes);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(blocks[i][0], static_cast<char>(i));
      EXPECT_EQ(blocks[i][kHugePageBytes - 1], static_cast<char>(i));
    }
    blocks.clear();
    blocks.resize(20);
  }
}

}  // namespace
}  // namespace tailgate
