#include "bench/response_reader.h"

#include <gtest/gtest.h>

namespace tailgate::bench {
namespace {

std::string body_in_pieces(std::string_view response, std::size_t piece, ResponseReader& reader) {
  std::string body;
  for (std::size_t at = 0; at < response.size(); at += piece) {
    reader.feed(response.substr(at, piece), [&body](std::string_view bytes) { body += bytes; });
  }
  return body;
}

TEST(ResponseReader, TakesChunksApartWhereverTheBytesAreCut) {
  constexpr std::string_view kResponse =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= kResponse.size(); ++piece) {
    ResponseReader reader;
    EXPECT_EQ(body_in_pieces(kResponse, piece, reader), "helloabcdefghijklmnopqrstuvwxyz");
    EXPECT_TRUE(reader.is_done());
    EXPECT_EQ(reader.status(), 200);
  }
}

TEST(ResponseReader, LeavesWhatComesBehindACountedBody) {
  ResponseReader reader;
  std::string body;
  const auto rest = reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: 7\r\n\r\nokHTTP/1.1",
                                [&body](std::string_view bytes) { body += bytes; });
  EXPECT_EQ(body, "ok");
  EXPECT_EQ(rest, "HTTP/1.1");
  EXPECT_EQ(reader.etag(), "7");
  EXPECT_TRUE(reader.is_done());
}

TEST(ResponseReader, EndsAtOnceWhereThereCanBeNoBody) {
  ResponseReader reader;
  EXPECT_EQ(body_in_pieces("HTTP/1.1 204 No Content\r\n\r\n", 3, reader), "");
  EXPECT_TRUE(reader.is_done());
}

TEST(ResponseReader, ReadsUntilTheConnectionEndsWithoutALength) {
  ResponseReader reader;
  EXPECT_EQ(body_in_pieces("HTTP/1.1 200 OK\r\n\r\nabc", 4, reader), "abc");
  EXPECT_FALSE(reader.is_done());
}

}  // namespace
}  // namespace tailgate::bench
