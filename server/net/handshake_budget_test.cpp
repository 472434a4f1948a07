#include "server/net/handshake_budget.h"

#include <gtest/gtest.h>

#include <array>

namespace tailgate {
namespace {

AddressKey address(std::uint32_t number) {
  const std::array<std::uint8_t, 4> bytes{10, static_cast<std::uint8_t>(number >> 16U),
                                          static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
  return AddressKey::of(IpAddress::of_v4(bytes.data()));
}

// How many it may begin, and fail, at that time.
int begun(HandshakeBudget& budget, const AddressKey& address, std::int64_t now_ms) {
  int count = 0;
  for (; count < 1000 && budget.may_begin(address, now_ms); ++count) budget.add_failure(address, now_ms);
  return count;
}

TEST(HandshakeBudget, LetsSomeFailAtOnceAndThenAsManyASecondAsItSays) {
  HandshakeBudget budget{20};
  EXPECT_EQ(begun(budget, address(1), 1'000), 200);
  EXPECT_EQ(begun(budget, address(1), 1'000), 0);
  EXPECT_EQ(begun(budget, address(1), 3'000), 40);
  EXPECT_EQ(begun(budget, address(1), 60'000), 200);
}

TEST(HandshakeBudget, AddressesDoNotPayForEachOther) {
  HandshakeBudget budget{20};
  EXPECT_EQ(begun(budget, address(1), 0), 200);
  EXPECT_TRUE(budget.may_begin(address(2), 0));
}

TEST(HandshakeBudget, WhoFailsNothingIsNeverHeldUp) {
  HandshakeBudget budget{1};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(budget.may_begin(address(1), 0));
}

TEST(HandshakeBudget, RemembersNoMoreAddressesThanItMay) {
  HandshakeBudget budget{1};
  for (std::uint32_t i = 0; i < HandshakeBudget::kAddressesMax; ++i) budget.add_failure(address(i), 0);
  const AddressKey one_more = address(HandshakeBudget::kAddressesMax);
  EXPECT_EQ(begun(budget, one_more, 0), 1000) << "no account is kept of it";
  EXPECT_EQ(begun(budget, one_more, 2'000), 10) << "there is room when others have made up for theirs";
}

TEST(HandshakeBudget, ZeroIsNoLimit) {
  HandshakeBudget budget{0};
  EXPECT_EQ(begun(budget, address(1), 0), 1000);
}

}  // namespace
}  // namespace tailgate
