#include "server/net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

using State = ProxyHeader::State;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number_16(std::size_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)}; }

std::string v2(char command, char family, const std::string& rest) {
  return kSignature + command + family + number_16(rest.size()) + rest;
}

const std::string kV4Addresses = "\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x00\x50"s;

std::string tlv(char type, const std::string& value) { return type + number_16(value.size()) + value; }

// What is read of it with something behind it: "refused", "partial", or the address ("none": the peer's own).
std::string read(const std::string& header) {
  ProxyHeader all;
  const std::size_t taken = all.take(header + "GET ");
  ProxyHeader bytewise;
  for (const char c : header + "GET ") (void)bytewise.take({&c, 1});
  EXPECT_EQ(bytewise.state(), all.state()) << "in pieces";
  if (all.state() == State::refused) return "refused";
  if (all.state() == State::partial) return "partial";
  EXPECT_EQ(taken, header.size());
  return all.client() ? all.client()->text() : "none";
}

TEST(ProxyHeader, Version1SaysTheClient) {
  EXPECT_EQ(read("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n"), "192.0.2.1");
  EXPECT_EQ(read("PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n"), "2001:db8::1");
  EXPECT_EQ(read("PROXY UNKNOWN\r\n"), "none");
  EXPECT_EQ(read("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "none");
}

TEST(ProxyHeader, Version1IsRefusedWhereItIsNotExact) {
  for (const char* header :
       {"PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n", "PROXY TCP4 2001:db8::1 10.0.0.1 4711 80\r\n",
        "PROXY TCP6 ::ffff:192.0.2.1 192.0.2.2 4711 80\r\n", "PROXY TCP4  192.0.2.1 10.0.0.1 4711 80\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 4711 65536\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 04711 80\r\n",
        "PROXY UDP4 192.0.2.1 10.0.0.1 4711 80\r\n", "PROXY TCP4 192.0.2.300 10.0.0.1 4711 80\r\n", "PROXY\r\n",
        "proxy TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n", "\x16\x03\x01"}) {
    EXPECT_EQ(read(header), "refused") << header;
  }
  EXPECT_EQ(read("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80" + std::string(80, ' ')), "refused") << "108 bytes and more";
}

TEST(ProxyHeader, Version2SaysTheClient) {
  EXPECT_EQ(read(v2('\x21', '\x11', kV4Addresses)), "192.0.2.1");
  std::string v6_addresses(36, '\0');
  v6_addresses[0] = '\x20';
  v6_addresses[15] = '\x01';
  EXPECT_EQ(read(v2('\x21', '\x21', v6_addresses)), "2000::1");
  EXPECT_EQ(read(v2('\x21', '\x31', std::string(216, '\0'))), "none");
  EXPECT_EQ(read(v2('\x21', '\x00', "")), "none");
  EXPECT_EQ(read(v2('\x20', '\x00', "")), "none") << "a health check";
  EXPECT_EQ(read(v2('\x20', '\x11', kV4Addresses)), "none");
  EXPECT_EQ(read(v2('\x21', '\x11', kV4Addresses + tlv('\x02', "example.org") + tlv('\x04', ""))), "192.0.2.1");
}

TEST(ProxyHeader, Version2IsRefusedWhereItIsNotExact) {
  EXPECT_EQ(read(v2('\x11', '\x11', kV4Addresses)), "refused") << "version 1 in the form of 2";
  EXPECT_EQ(read(v2('\x22', '\x11', kV4Addresses)), "refused") << "no such command";
  EXPECT_EQ(read(v2('\x21', '\x12', kV4Addresses)), "refused") << "datagrams";
  EXPECT_EQ(read(v2('\x21', '\x41', kV4Addresses)), "refused") << "no such family";
  EXPECT_EQ(read(v2('\x21', '\x21', kV4Addresses)), "refused") << "too short for the family";
  EXPECT_EQ(read(kSignature + "\x21\x11\xff\xff" + kV4Addresses), "refused") << "65535 bytes";
  EXPECT_EQ(read(v2('\x21', '\x11', kV4Addresses + "\x02\x00\x05" + "abc"s)), "refused") << "a TLV beyond the end";
  EXPECT_EQ(read(v2('\x21', '\x11', kV4Addresses + "\x02"s)), "refused");
  EXPECT_EQ(read("\r\n\r\n\0\r\nQUIT\r"s), "refused");
}

TEST(ProxyHeader, AChecksumIsHeldAgainstTheHeader) {
  // CRC-32C of the header with the checksum's bytes as zeros, worked out apart from this code.
  const std::string good = v2('\x21', '\x11', kV4Addresses + tlv('\x03', "\xd4\x57\xb5\x81"s));
  EXPECT_EQ(read(good), "192.0.2.1");
  for (std::size_t at = 16; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    if (at < 28 || at > 30) {  // there it would be another TLV
      EXPECT_EQ(read(bad), "refused") << at;
    }
  }
}

TEST(ProxyHeader, NothingIsKnownBeforeItsEnd) {
  const std::string header = v2('\x21', '\x11', kV4Addresses);
  for (std::size_t bytes = 1; bytes < header.size(); ++bytes) {
    ProxyHeader part;
    EXPECT_EQ(part.take(std::string_view{header}.substr(0, bytes)), bytes);
    EXPECT_EQ(part.state(), State::partial);
    EXPECT_FALSE(part.client());
  }
}

}  // namespace
}  // namespace tailgate
