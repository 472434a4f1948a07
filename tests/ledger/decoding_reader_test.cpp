#include "tests/ledger/decoding_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "streams/coded_format.h"

namespace tailgate::ledger {
namespace {

class DecodingReader : public testing::TestWithParam<Coding> {
 protected:
  const CodedFormat& format = format_of(GetParam());
  std::unique_ptr<BodyReader> reader = make_decoding_reader(name_of(GetParam()), make_body_reader({}));
  std::vector<Seen> seen;
  std::string wire;
  CodedCheck check;

  void SetUp() override { format.append_begin(wire); }
  void add(std::string_view text) {
    format.append_stored(wire, text);
    format.add(check, text);
  }
};

TEST_P(DecodingReader, SeesEventsAsSoonAsTheyCanBeDecoded) {
  add("data: 1\nid: 0:1\n\ndata: 2\nid");
  for (const char byte : wire) reader->feed({&byte, 1}, seen);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(reader->last_id(), "0:1");
  EXPECT_TRUE(reader->is_inside_event());

  wire.clear();
  add(": 0:2\n\n");
  format.append_end(wire, check);
  reader->feed(wire, seen);
  reader->finish(seen);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(reader->last_id(), "0:2");
}

TEST_P(DecodingReader, ABodyThatIsNotWholeIsMalformed) {
  add("data: 1\nid: 0:1\n\n");
  reader->feed(wire, seen);
  reader->finish(seen);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].kind, Seen::Kind::malformed);
}

TEST_P(DecodingReader, WhatDoesNotDecodeIsMalformedOnce) {
  wire += "\xff\xff\xff\xff";
  reader->feed(wire, seen);
  reader->feed(wire, seen);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, Seen::Kind::malformed);
}

INSTANTIATE_TEST_SUITE_P(Codings, DecodingReader, testing::Values(Coding::gzip, Coding::zstd),
                         [](const auto& coding) { return std::string{name_of(coding.param)}; });

}  // namespace
}  // namespace tailgate::ledger
