#include "server/http/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tailgate {
namespace {

std::string client(ForwardedHeader header, const std::string& peer, const std::vector<HeaderField>& fields) {
  ClientAddressRules rules;
  rules.trusted_proxies = Networks::parse({"10.0.0.0/8", "2001:db8:ffff::/48", "unix"}).value();
  rules.header = header;
  Request request;
  request.headers = fields;
  const IpAddress from = peer == "unix" ? IpAddress{} : *IpAddress::parse(peer);
  return client_address(from, request, rules).text();
}

std::string by_x(const std::string& peer, const std::string& value) {
  return client(ForwardedHeader::x_forwarded_for, peer, {{"x-forwarded-for", value}});
}

std::string by_forwarded(const std::string& peer, const std::string& value) {
  return client(ForwardedHeader::forwarded, peer, {{"forwarded", value}});
}

TEST(ClientAddress, IsTheRightmostThatIsNotTrusted) {
  EXPECT_EQ(by_x("10.0.0.1", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(by_x("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2"), "192.0.2.1");
  EXPECT_EQ(by_x("10.0.0.1", "198.51.100.7,192.0.2.1,2001:db8:ffff::1"), "192.0.2.1");
  EXPECT_EQ(by_x("unix", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(by_x("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3") << "all of it is ours";
}

TEST(ClientAddress, IsNeverWhatAnUntrustedPeerSays) {
  EXPECT_EQ(by_x("192.0.2.9", "198.51.100.7"), "192.0.2.9");
  EXPECT_EQ(by_forwarded("192.0.2.9", "for=198.51.100.7"), "192.0.2.9");
  EXPECT_EQ(by_x("10.0.0.1", "198.51.100.7, 192.0.2.1, nonsense"), "10.0.0.1");
  EXPECT_EQ(by_x("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2"), "10.0.0.2");
}

TEST(ClientAddress, IsReadFromOneFieldOnly) {
  const std::vector<HeaderField> both{
      {"forwarded", "for=192.0.2.1"}, {"x-forwarded-for", "192.0.2.2"}, {"x_forwarded_for", "192.0.2.3"}};
  EXPECT_EQ(client(ForwardedHeader::none, "10.0.0.1", both), "10.0.0.1");
  EXPECT_EQ(client(ForwardedHeader::forwarded, "10.0.0.1", both), "192.0.2.1");
  EXPECT_EQ(client(ForwardedHeader::x_forwarded_for, "10.0.0.1", both), "192.0.2.2");
}

TEST(ClientAddress, SeveralFieldsAreOneChain) {
  EXPECT_EQ(client(ForwardedHeader::x_forwarded_for, "10.0.0.1",
                   {{"x-forwarded-for", "198.51.100.7"}, {"x-forwarded-for", "192.0.2.1"}}),
            "192.0.2.1");
}

TEST(ClientAddress, PortsAndBracketsAreTakenOff) {
  EXPECT_EQ(by_x("10.0.0.1", "192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(by_x("10.0.0.1", "[2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(by_x("10.0.0.1", "[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(by_x("10.0.0.1", "2001:db8::1"), "2001:db8::1");
  for (const char* bad : {"192.0.2.1:", "192.0.2.1:99999", "[192.0.2.1]", "[2001:db8::1", "[2001:db8::1]x", ""}) {
    EXPECT_EQ(by_x("10.0.0.1", bad), "10.0.0.1") << bad;
  }
}

TEST(ClientAddress, ForwardedIsReadAsItsRfcSays) {
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=198.51.100.7, for=192.0.2.1;proto=https;by=10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "proto=http; FOR=\"[2001:db8::1]:4711\" , for=10.0.0.2"), "2001:db8::1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=\"192\\.0.2.1\""), "192.0.2.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=192.0.2.1, for=_hidden"), "10.0.0.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=192.0.2.1, by=10.0.0.1"), "10.0.0.1") << "the nearest hop said nothing";
}

TEST(ClientAddress, AClientCannotSwallowWhatTheProxyAdds) {
  // The client's part ends before the comma.
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=\"198.51.100.7, for=192.0.2.1"), "10.0.0.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=198.51.100.7;x=\", for=192.0.2.1"), "10.0.0.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=198.51.100.7;x=\"\\, for=192.0.2.1"), "10.0.0.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=198.51.100.7;;=,, for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(by_forwarded("10.0.0.1", "for=198.51.100.7;for=198.51.100.8"), "10.0.0.1");
}

}  // namespace
}  // namespace tailgate
