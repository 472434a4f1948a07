#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8::0:1")->text(), "2001:db8::1");
  EXPECT_EQ(IpAddress{}.text(), "unix");
}

TEST(IpAddress, MappedIntoIpv6IsWhatItIs) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "localhost", "::1 "}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view{"1.2.3.4\0", 8}));
}

TEST(Networks, ContainWhatTheirPrefixesSay) {
  const auto networks = Networks::parse({"10.0.0.0/8", "192.0.2.7", "2001:db8::/33", "unix"});
  ASSERT_TRUE(networks);
  for (const char* in : {"10.255.0.1", "192.0.2.7", "2001:db8:7fff::1", "::ffff:10.1.1.1"}) {
    EXPECT_TRUE(networks->contains(*IpAddress::parse(in))) << in;
  }
  for (const char* out : {"11.0.0.1", "192.0.2.6", "2001:db8:8000::1", "::1"}) {
    EXPECT_FALSE(networks->contains(*IpAddress::parse(out))) << out;
  }
  EXPECT_TRUE(networks->contains(IpAddress{}));
  EXPECT_FALSE(Networks{}.contains(IpAddress{}));
}

TEST(Networks, RefuseWhatIsNone) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "all"}) {
    EXPECT_FALSE(Networks::parse({text})) << text;
  }
}

}  // namespace
}  // namespace tailgate
