// The other client that the ledger is held against: librdkafka's own consumer, reading committed records only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/ledger/truth.h"

namespace tailgate::ledger {

struct CommittedRecord {
  std::string key;                   // "" also for none
  std::optional<std::string> value;  // none: a tombstone
};

// Everything that the partition holds now, by offset; nullopt when Kafka did not give it within the deadline.
std::optional<std::map<std::int64_t, CommittedRecord>> read_committed(const std::string& bootstrap,
                                                                      const PartitionName& where);

// "" when Kafka holds exactly the truth's committed records, from its first offset on; else what differs.
std::string difference(const std::map<std::int64_t, CommittedRecord>& held, const TruePartition& truth);

}  // namespace tailgate::ledger
