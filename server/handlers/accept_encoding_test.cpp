#include "server/handlers/accept_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

std::string chosen(std::string_view accept_encoding, const CodingSet& had = {/*gzip=*/true, /*zstd=*/false}) {
  const auto coding = choose_coding(parse_accept_encoding(accept_encoding), had);
  return coding ? std::string{name_of(*coding)} : "";
}

TEST(AcceptEncoding, WhoNamesGzipGetsIt) {
  EXPECT_EQ(chosen("gzip"), "gzip");
  EXPECT_EQ(chosen("deflate, gzip, br, zstd"), "gzip");  // curl --compressed
  EXPECT_EQ(chosen("gzip, deflate"), "gzip");            // Python's requests
  EXPECT_EQ(chosen("x-gzip"), "gzip");
  EXPECT_EQ(chosen("GZip ; Q=0.001"), "gzip");
  EXPECT_EQ(chosen("identity, gzip"), "gzip");
  EXPECT_EQ(chosen("*"), "gzip");
  EXPECT_EQ(chosen("br;q=1.0, gzip;q=0.8, *;q=0.1"), "gzip");
}

TEST(AcceptEncoding, WhoNamesNothingGetsNothingCompressed) {
  EXPECT_EQ(chosen(""), "");
  EXPECT_EQ(chosen(" , ,"), "");
  EXPECT_EQ(chosen("identity"), "");
  EXPECT_EQ(chosen("br, zstd"), "");
  EXPECT_EQ(chosen("gzipped"), "");
}

TEST(AcceptEncoding, AQualityOfZeroRefuses) {
  EXPECT_EQ(chosen("gzip;q=0"), "");
  EXPECT_EQ(chosen("gzip;q=0.000, *"), "");
  EXPECT_EQ(chosen("*;q=0"), "");
  EXPECT_EQ(chosen("gzip, *;q=0"), "gzip");
}

TEST(AcceptEncoding, WhoLikesIdentityBetterGetsIt) {
  EXPECT_EQ(chosen("gzip;q=0.5, identity"), "");
  EXPECT_EQ(chosen("gzip;q=0.5, identity;q=0.5"), "gzip");
  EXPECT_EQ(chosen("*;q=0.2, identity;q=0.7"), "");
  EXPECT_EQ(chosen("identity;q=0, gzip;q=0.1"), "gzip");
}

TEST(AcceptEncoding, OfWhatIsLikedAsMuchItIsZstd) {
  const CodingSet both{true, true};
  EXPECT_EQ(chosen("deflate, gzip, br, zstd", both), "zstd");  // curl --compressed
  EXPECT_EQ(chosen("gzip, deflate, br, zstd", both), "zstd");  // browsers, over TLS
  EXPECT_EQ(chosen("zstd;q=0.5, gzip;q=0.5", both), "zstd");
  EXPECT_EQ(chosen("zstd;q=0.4, gzip;q=0.5", both), "gzip");
  EXPECT_EQ(chosen("zstd;q=0.5, gzip;q=0.4", both), "zstd");
  EXPECT_EQ(chosen("zstd;q=0, gzip", both), "gzip");
  EXPECT_EQ(chosen("zstd;q=0.5, gzip, identity", both), "gzip");
  EXPECT_EQ(chosen("zstd;q=0.5, identity", both), "");
  EXPECT_EQ(chosen("gzip", both), "gzip");
  EXPECT_EQ(chosen("ZSTD", both), "zstd");
}

TEST(AcceptEncoding, AStarIsGzipAndNotWhatFewerCanRead) {
  EXPECT_EQ(chosen("*", {true, true}), "gzip");
  EXPECT_EQ(chosen("zstd, *;q=0.5", {true, true}), "zstd");
  EXPECT_EQ(chosen("*", {false, true}), "");
}

TEST(AcceptEncoding, WhatTheServerDoesNotHaveIsNotChosen) {
  EXPECT_EQ(chosen("gzip, zstd", {}), "");
  EXPECT_EQ(chosen("gzip", {false, true}), "");
  EXPECT_EQ(chosen("gzip;q=0.1, zstd", {true, false}), "gzip");
}

TEST(AcceptEncoding, WhatDoesNotParseIsPassedOver) {
  EXPECT_EQ(chosen("gzip;q=2"), "");
  EXPECT_EQ(chosen("gzip;q="), "");
  EXPECT_EQ(chosen("gzip;level=9"), "gzip");
  EXPECT_EQ(chosen("gzip," + std::string(2000, 'x')), "");
}

}  // namespace
}  // namespace tailgate
