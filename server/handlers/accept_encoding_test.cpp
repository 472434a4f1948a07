#include "server/handlers/accept_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

TEST(AcceptEncoding, WhoNamesGzipGetsIt) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, gzip, br, zstd"));  // curl --compressed
  EXPECT_TRUE(accepts_gzip("gzip, deflate"));            // Python's requests
  EXPECT_TRUE(accepts_gzip("x-gzip"));
  EXPECT_TRUE(accepts_gzip("GZip ; Q=0.001"));
  EXPECT_TRUE(accepts_gzip("identity, gzip"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_TRUE(accepts_gzip("br;q=1.0, gzip;q=0.8, *;q=0.1"));
}

TEST(AcceptEncoding, WhoNamesNothingGetsNothingCompressed) {
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip(" , ,"));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("br, zstd"));
  EXPECT_FALSE(accepts_gzip("gzipped"));
}

TEST(AcceptEncoding, AQualityOfZeroRefuses) {
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0.000, *"));
  EXPECT_FALSE(accepts_gzip("*;q=0"));
  EXPECT_TRUE(accepts_gzip("gzip, *;q=0"));
}

TEST(AcceptEncoding, WhoLikesIdentityBetterGetsIt) {
  EXPECT_FALSE(accepts_gzip("gzip;q=0.5, identity"));
  EXPECT_TRUE(accepts_gzip("gzip;q=0.5, identity;q=0.5"));
  EXPECT_FALSE(accepts_gzip("*;q=0.2, identity;q=0.7"));
  EXPECT_TRUE(accepts_gzip("identity;q=0, gzip;q=0.1"));
}

TEST(AcceptEncoding, WhatDoesNotParseIsPassedOver) {
  EXPECT_FALSE(accepts_gzip("gzip;q=2"));
  EXPECT_FALSE(accepts_gzip("gzip;q="));
  EXPECT_TRUE(accepts_gzip("gzip;level=9"));
  EXPECT_FALSE(accepts_gzip("gzip," + std::string(2000, 'x')));
}

}  // namespace
}  // namespace tailgate
