// What really is in Kafka: every record that was produced, with what became of it, and what was deleted when.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ledger/seen.h"

namespace tailgate::ledger {

// Bytes of a record's value as they are compared: kind and content, once exact and once with CR and CRLF as LF.
struct ContentHash {
  std::uint64_t exact = 0;
  std::uint64_t newlines_lost = 0;
  static ContentHash of(Content content, std::string_view bytes);
};

struct TrueRecord {
  std::int64_t sent_us = 0;  // just before it was given to the producer
  bool is_committed = false;
  std::string key;  // "" also for none
  ContentHash hash;
};

// One partition. Offsets that are in no record are holes (markers).
struct TruePartition {
  std::map<std::int64_t, TrueRecord> records;
  // Deletions that were asked for, ascending in both: from `asked_us` on the offsets below `before` may be gone.
  struct Deletion {
    std::int64_t asked_us;
    std::int64_t before;
  };
  std::vector<Deletion> deletions;

  // Below it a gap that is seen at `at_us` may be right.
  std::int64_t deleted_before(std::int64_t at_us) const;
};

struct PartitionName {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const PartitionName&) const = default;
};

// Threads: any until it is taken; delivery reports, deletions and checks come from different ones.
class Truth {
 public:
  void add(const PartitionName& where, std::int64_t offset, TrueRecord record);
  void add_deletion(const PartitionName& where, std::int64_t before, std::int64_t asked_us);
  // Empty partitions exist too.
  void add_partition(const PartitionName& where);
  // A copy as it is now.
  std::map<PartitionName, TruePartition> take() const;

 private:
  mutable std::mutex mutex_;
  std::map<PartitionName, TruePartition> partitions_;
};

}  // namespace tailgate::ledger
