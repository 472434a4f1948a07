#include "server/net/listen_address.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(ListenAddress, IsReadInEveryForm) {
  const auto v4 = parse_listen_address("http://127.0.0.1:8080");
  ASSERT_TRUE(v4);
  EXPECT_EQ(*v4, (ListenAddress{Scheme::http, "127.0.0.1", 8080, ""}));
  const auto v6 = parse_listen_address("https://[::1]:443");
  ASSERT_TRUE(v6);
  EXPECT_EQ(*v6, (ListenAddress{Scheme::https, "::1", 443, ""}));
  const auto name = parse_listen_address("localhost:0");
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, (ListenAddress{Scheme::http, "localhost", 0, ""}));
  const auto local = parse_listen_address("unix:/run/tailgate.sock");
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->is_unix());
  EXPECT_EQ(local->unix_path, "/run/tailgate.sock");
}

TEST(ListenAddress, ABareOneHasTheSchemeOfTheServer) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:8080", Scheme::https)->scheme, Scheme::https);
  EXPECT_EQ(parse_listen_address("http://0.0.0.0:8080", Scheme::https)->scheme, Scheme::http);
}

TEST(ListenAddress, IsWrittenAsItIsRead) {
  for (const char* text : {"http://127.0.0.1:8080", "https://[::1]:443", "unix:/run/tailgate.sock"}) {
    EXPECT_EQ(parse_listen_address(text)->text(), text);
  }
}

TEST(ListenAddress, RefusesWhatItDoesNotUnderstand) {
  for (const char* text :
       {"", "8080", "http://", "http://host", "host:", "host:65536", "host:-1", "host:80x", "::1:8080", ":8080",
        "[host]:80", "[::1]", "ho st:80", "http://host:80/path", "unix:", "ftp://host:21"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
  EXPECT_FALSE(parse_listen_address("unix:" + std::string(108, 'x')));
}

}  // namespace
}  // namespace tailgate
