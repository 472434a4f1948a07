#include "server/handlers/accept.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

std::string answer(std::string_view accept) {
  const Result<Negotiated> accepted = negotiate(accept);
  if (accepted) return std::string{name_of(accepted->representation)};
  return accepted.error().code == ErrorCode::not_acceptable ? "none" : "bad";
}

TEST(Accept, WhoeverTakesAnythingGetsSse) {
  EXPECT_EQ(answer(""), "sse");
  EXPECT_EQ(answer("*/*"), "sse");
  EXPECT_EQ(answer("*"), "sse");
  EXPECT_EQ(answer("text/*"), "sse");
  EXPECT_EQ(answer("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"), "sse");
  EXPECT_EQ(answer("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), "sse");
  EXPECT_EQ(answer(" , ,"), "sse");
}

TEST(Accept, ATypeThatIsNamedIsGiven) {
  EXPECT_EQ(answer("application/json"), "json");
  EXPECT_EQ(answer("text/event-stream"), "sse");
  EXPECT_EQ(answer("application/x-ndjson"), "ndjson");
  EXPECT_EQ(answer("Application/JSON"), "json");
  EXPECT_EQ(answer("application/json; charset=utf-8"), "json");
  EXPECT_EQ(answer("application/*"), "json");
  EXPECT_EQ(answer("application/json, text/plain, */*"), "json");
}

TEST(Accept, TheHighestQualityWinsAndThenTheFirstNamed) {
  EXPECT_EQ(answer("application/json;q=0.5, application/x-ndjson;q=0.9"), "ndjson");
  EXPECT_EQ(answer("application/x-ndjson, application/json"), "ndjson");
  EXPECT_EQ(answer("application/json, text/event-stream"), "json");
  EXPECT_EQ(answer("application/json;q=0.999, text/event-stream;q=1.000"), "sse");
  EXPECT_EQ(answer("*/*;q=0.1, application/json;q=0.05"), "sse");
  EXPECT_EQ(answer("application/json ; Q=0.5 , text/event-stream; q=0.4"), "json");
}

TEST(Accept, TheMostSpecificRangeDecidesOnAType) {
  EXPECT_EQ(answer("text/event-stream;q=0, */*"), "json");
  EXPECT_EQ(answer("*/*, text/*;q=0, application/json;q=0"), "ndjson");
  EXPECT_EQ(answer("text/*;q=0.1, text/event-stream;q=0.9, application/json;q=0.5"), "sse");
}

TEST(Accept, NothingAcceptableIsSaid) {
  EXPECT_EQ(answer("text/event-stream;q=0"), "none");
  EXPECT_EQ(answer("text/event-stream;q=0.000"), "none");
  EXPECT_EQ(answer("text/html"), "none");
  EXPECT_EQ(answer("*/*;q=0"), "none");
  EXPECT_EQ(answer("application/json;q=2"), "none");
  EXPECT_EQ(answer("application/json;q=1.001"), "none");
  EXPECT_EQ(answer("application/json;q=0.1234"), "none");
  EXPECT_EQ(answer("application/json;q="), "none");
  EXPECT_EQ(answer("application/json;q=-1"), "none");
  EXPECT_EQ(answer("application/vnd.kafka.json.v2+json"), "none");
}

TEST(Accept, OverAKilobyteIsRefused) {
  EXPECT_EQ(answer(std::string(1025, 'a')), "bad");
  EXPECT_EQ(answer("*/*" + std::string(1021, ' ')), "sse");
  EXPECT_EQ(answer("*/*" + std::string(1022, ' ')), "bad");
}

TEST(Accept, KnowsAnEventSourceByItsFirstType) {
  EXPECT_TRUE(negotiate("text/event-stream")->is_event_source);
  EXPECT_TRUE(negotiate("text/event-stream, */*;q=0.1")->is_event_source);
  EXPECT_FALSE(negotiate("*/*")->is_event_source);
  EXPECT_FALSE(negotiate("")->is_event_source);
  EXPECT_FALSE(negotiate("application/json;q=0.5, text/event-stream")->is_event_source);
}

TEST(Accept, RepresentationsHaveNames) {
  for (const Representation one : {Representation::sse, Representation::json, Representation::ndjson}) {
    EXPECT_EQ(representation_named(name_of(one)), one);
    EXPECT_EQ(negotiate(media_type_of(one))->representation, one);
  }
  EXPECT_EQ(representation_named("SSE"), std::nullopt);
  EXPECT_EQ(representation_named(""), std::nullopt);
}

}  // namespace
}  // namespace tailgate
