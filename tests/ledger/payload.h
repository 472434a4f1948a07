// What the ledger's producers write: records of every kind, each of which says where it belongs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/ledger/seen.h"

namespace tailgate::ledger {

struct Payload {
  Content content = Content::json;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

// The record `seq` of a partition. Most are JSON of about `bytes`; some are text with every kind of line end, binary,
// empty of value, or large. The key is one of 8 a partition: "3/5".
Payload make_payload(std::int32_t partition, std::int64_t seq, std::size_t bytes);

// The partition that a value (or, of a tombstone, the key) names; nullopt: it is none of ours.
std::optional<std::int32_t> partition_in(Content content, std::string_view bytes, std::string_view key);

}  // namespace tailgate::ledger
