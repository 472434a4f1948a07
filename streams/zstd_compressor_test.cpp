#include "streams/zstd_compressor.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "streams/coded_format.h"
#include "streams/scripted/decoder.h"

namespace tailgate {
namespace {

TEST(ZstdCompressor, ItsFramesBeginLikeThoseOfStreams) {
  ZstdCompressor compressor;
  std::string made;
  compressor.restart();
  compressor.compress("data: 1\n\n", made);
  std::string begin{ZstdCompressor::kFrameEnd};
  format_of(Coding::zstd).append_begin(begin);
  EXPECT_TRUE(made.starts_with(begin));
}

TEST(ZstdCompressor, CostsAboutWhatItSays) {
  ZstdCompressor compressor;
  std::string made;
  std::mt19937 random{1};
  for (int n = 0; n < 100; ++n)
    compressor.compress(std::string(16 * 1024, static_cast<char>('a' + random() % 26)), made);
  EXPECT_LT(compressor.bytes(), ZstdCompressor::kBytes * 21 / 20);
  EXPECT_GT(compressor.bytes(), ZstdCompressor::kBytes * 19 / 20);
}

TEST(ZstdFormat, StoresMoreThanABlockHolds) {
  std::string wire;
  const CodedFormat& format = format_of(Coding::zstd);
  const std::string text(3 * ZstdCompressor::kWindowBytes + 1, 'x');
  format.append_begin(wire);
  format.append_stored(wire, text);
  scripted::Unzstd client;
  EXPECT_TRUE(client.read(wire) == text);
  EXPECT_FALSE(client.is_whole());
  wire.clear();
  format.append_end(wire, {});
  EXPECT_EQ(client.read(wire), "");
  EXPECT_TRUE(client.is_whole());
  EXPECT_FALSE(client.is_broken());
}

// What does not compress is larger than it was: there is room for it.
TEST(ZstdCompressor, TakesWhatDoesNotCompress) {
  ZstdCompressor compressor;
  std::mt19937 random{1};
  scripted::Unzstd client;
  std::string wire;
  format_of(Coding::zstd).append_begin(wire);
  client.read(wire);
  for (std::size_t size = 1; size < 40'000; size = size * 3 / 2 + 1) {
    std::string noise(size, ' ');
    for (char& c : noise) c = static_cast<char>(random());
    wire.clear();
    compressor.restart();
    compressor.compress(noise, wire);
    ASSERT_TRUE(client.read(wire) == noise) << size;
  }
}

}  // namespace
}  // namespace tailgate
