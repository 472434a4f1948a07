#include "limits/connection_limit.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tailgate {
namespace {

using Verdict = ConnectionLimit::Verdict;

AddressKey of(const char* text) { return AddressKey::of(*IpAddress::parse(text)); }

TEST(ConnectionLimit, TellsThoseAboveTheLimitAndTurnsTheRestAway) {
  ConnectionLimit limit{/*connections_max=*/2, /*per_address_max=*/0, /*told_max=*/1};
  std::vector<ConnectionLimit::Admission> held;
  for (int i = 0; i < 4; ++i) held.push_back(limit.admit(of("10.0.0.1")));

  EXPECT_EQ(held[0].verdict, Verdict::admitted);
  EXPECT_EQ(held[1].verdict, Verdict::admitted);
  EXPECT_EQ(held[2].verdict, Verdict::full);
  EXPECT_EQ(held[3].verdict, Verdict::turned_away);
  EXPECT_EQ(limit.count(), 3U);

  held.clear();
  EXPECT_EQ(limit.count(), 0U);
  EXPECT_EQ(limit.admit(of("10.0.0.1")).verdict, Verdict::admitted);
}

TEST(ConnectionLimit, CountsEachAddressByItself) {
  ConnectionLimit limit{10, /*per_address_max=*/1, /*told_max=*/1};
  const auto first = limit.admit(of("10.0.0.1"));
  const auto second = limit.admit(of("10.0.0.1"));
  const auto third = limit.admit(of("10.0.0.1"));
  const auto other = limit.admit(of("10.0.0.2"));

  EXPECT_EQ(first.verdict, Verdict::admitted);
  EXPECT_EQ(second.verdict, Verdict::address_full);
  EXPECT_EQ(third.verdict, Verdict::turned_away);
  EXPECT_EQ(other.verdict, Verdict::admitted);
  EXPECT_EQ(limit.count(), 3U);
}

TEST(ConnectionLimit, GivesASlotBackOnceHoweverOftenItMoved) {
  ConnectionLimit limit{10, 1, 0};
  {
    ConnectionLimit::Slot slot = limit.admit(of("10.0.0.1")).slot;
    ConnectionLimit::Slot moved = std::move(slot);
    slot = std::move(moved);
    EXPECT_EQ(limit.count(), 1U);
  }
  EXPECT_EQ(limit.count(), 0U);
  EXPECT_EQ(limit.admit(of("10.0.0.1")).verdict, Verdict::admitted);
}

TEST(ConnectionLimit, TakesAllOfAnIpv6NetworkOfOneCustomerForOneAddress) {
  EXPECT_EQ(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
  EXPECT_NE(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
}

TEST(ConnectionLimit, TakesAMappedIpv4AddressForWhatItIs) {
  EXPECT_EQ(of("::ffff:10.0.0.1"), of("10.0.0.1"));
  EXPECT_NE(of("::ffff:10.0.0.1"), of("::ffff:10.0.0.2"));
}

TEST(ConnectionLimit, CountsAConnectionForAnAddressOnceItsProxyHasSaidWhose) {
  ConnectionLimit limit{/*connections_max=*/10, /*per_address_max=*/1, /*told_max=*/1};
  std::vector<ConnectionLimit::Admission> held;
  for (int i = 0; i < 4; ++i) held.push_back(limit.admit());
  for (const auto& admission : held) EXPECT_EQ(admission.verdict, Verdict::admitted);

  EXPECT_EQ(held[0].slot.count(of("192.0.2.1")), Verdict::admitted);
  EXPECT_EQ(held[1].slot.count(of("192.0.2.2")), Verdict::admitted);
  EXPECT_EQ(held[2].slot.count(of("192.0.2.1")), Verdict::address_full);
  EXPECT_EQ(held[3].slot.count(of("192.0.2.1")), Verdict::turned_away);
  held.clear();
  EXPECT_EQ(limit.count(), 0U);
  EXPECT_EQ(limit.admit(of("192.0.2.1")).verdict, Verdict::admitted);
}

TEST(AddressKey, IsWrittenAsWhatItCounts) {
  EXPECT_EQ(of("192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(of("2001:db8:1:2:3:4:5:6").text(), "2001:db8:1:2::/64");
}

}  // namespace
}  // namespace tailgate
