#include "server/http/gather.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

std::string text_of(const Gather& gather) {
  std::string text;
  gather.copy_rest(0, text);
  return text;
}

TEST(Gather, PartsOfALineAreOnePieceWithWhatWasThere) {
  Gather gather;
  gather.copy("HTTP/1.1 200 OK\r\n");

  gather.copy({"Vary", ": ", "", "Origin", "\r\n"});

  EXPECT_EQ(gather.pieces().size(), 1u);
  EXPECT_EQ(text_of(gather), "HTTP/1.1 200 OK\r\nVary: Origin\r\n");
  EXPECT_EQ(gather.size(), text_of(gather).size());
}

TEST(Gather, PartsBehindAReferenceAreAPieceOfTheirOwn) {
  const std::string large(Gather::kCopyMax + 1, 'x');
  Gather gather;
  gather.ref(large);

  gather.copy({"a", "b"});
  gather.copy({"", ""});

  EXPECT_EQ(gather.pieces().size(), 2u);
  EXPECT_EQ(text_of(gather), large + "ab");
}

}  // namespace
}  // namespace tailgate
