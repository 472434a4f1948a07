#include "server/http/field_value.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(FieldValue, ConstantIsReferredTo) {
  static constexpr std::string_view kText = "no-store, no-transform";

  const FieldValue value = FieldValue::constant(kText);

  EXPECT_TRUE(value.is_constant());
  EXPECT_EQ(value.text().data(), kText.data());
  EXPECT_EQ(value.text(), kText);
}

TEST(FieldValue, OtherTextIsItsOwn) {
  std::string text = "a text that is too long to be kept in place";
  FieldValue value{text};
  text.assign(text.size(), 'x');

  EXPECT_FALSE(value.is_constant());
  EXPECT_EQ(value.text(), "a text that is too long to be kept in place");
}

}  // namespace
}  // namespace tailgate
