#include "limits/connection_limit.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

namespace tailgate {
namespace {

using Verdict = ConnectionLimit::Verdict;

AddressKey v4(const char* text) {
  std::array<std::uint8_t, 4> bytes{};
  ::inet_pton(AF_INET, text, bytes.data());
  return AddressKey::of_v4(bytes.data());
}

AddressKey v6(const char* text) {
  std::array<std::uint8_t, 16> bytes{};
  ::inet_pton(AF_INET6, text, bytes.data());
  return AddressKey::of_v6(bytes.data());
}

TEST(ConnectionLimit, TellsThoseAboveTheLimitAndTurnsTheRestAway) {
  ConnectionLimit limit{/*connections_max=*/2, /*per_address_max=*/0, /*told_max=*/1};
  std::vector<ConnectionLimit::Admission> held;
  for (int i = 0; i < 4; ++i) held.push_back(limit.admit(v4("10.0.0.1")));

  EXPECT_EQ(held[0].verdict, Verdict::admitted);
  EXPECT_EQ(held[1].verdict, Verdict::admitted);
  EXPECT_EQ(held[2].verdict, Verdict::full);
  EXPECT_EQ(held[3].verdict, Verdict::turned_away);
  EXPECT_EQ(limit.count(), 3U);

  held.clear();
  EXPECT_EQ(limit.count(), 0U);
  EXPECT_EQ(limit.admit(v4("10.0.0.1")).verdict, Verdict::admitted);
}

TEST(ConnectionLimit, CountsEachAddressByItself) {
  ConnectionLimit limit{10, /*per_address_max=*/1, /*told_max=*/1};
  const auto first = limit.admit(v4("10.0.0.1"));
  const auto second = limit.admit(v4("10.0.0.1"));
  const auto third = limit.admit(v4("10.0.0.1"));
  const auto other = limit.admit(v4("10.0.0.2"));

  EXPECT_EQ(first.verdict, Verdict::admitted);
  EXPECT_EQ(second.verdict, Verdict::address_full);
  EXPECT_EQ(third.verdict, Verdict::turned_away);
  EXPECT_EQ(other.verdict, Verdict::admitted);
  EXPECT_EQ(limit.count(), 3U);
}

TEST(ConnectionLimit, GivesASlotBackOnceHoweverOftenItMoved) {
  ConnectionLimit limit{10, 1, 0};
  {
    ConnectionLimit::Slot slot = limit.admit(v4("10.0.0.1")).slot;
    ConnectionLimit::Slot moved = std::move(slot);
    slot = std::move(moved);
    EXPECT_EQ(limit.count(), 1U);
  }
  EXPECT_EQ(limit.count(), 0U);
  EXPECT_EQ(limit.admit(v4("10.0.0.1")).verdict, Verdict::admitted);
}

TEST(ConnectionLimit, TakesAllOfAnIpv6NetworkOfOneCustomerForOneAddress) {
  EXPECT_EQ(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
  EXPECT_NE(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
}

TEST(ConnectionLimit, TakesAMappedIpv4AddressForWhatItIs) {
  EXPECT_EQ(v6("::ffff:10.0.0.1"), v4("10.0.0.1"));
  EXPECT_NE(v6("::ffff:10.0.0.1"), v6("::ffff:10.0.0.2"));
}

}  // namespace
}  // namespace tailgate
