#include "server/http/exchange.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(Request, AFieldIsFoundByItsName) {
  Request request;
  request.headers = {{"accept", "a"}, {"prefer", "wait=1"}, {"prefer", "b"}, {"prefer", "c"}};
  ASSERT_NE(request.header("accept"), nullptr);
  EXPECT_EQ(*request.header("accept"), "a");
  EXPECT_EQ(request.header("last-event-id"), nullptr);
  EXPECT_EQ(request.count("prefer"), 3u);
  EXPECT_EQ(request.count("host"), 0u);
}

TEST(Request, FieldsOfOneNameAreJoinedInTheirOrder) {
  Request request;
  request.headers = {{"prefer", "wait=1"}, {"accept", "a"}, {"prefer", "b"}, {"prefer", "c"}};
  EXPECT_EQ(*request.header("prefer"), "wait=1, b, c");
  EXPECT_EQ(*request.header("prefer"), "wait=1, b, c");
}

}  // namespace
}  // namespace tailgate
