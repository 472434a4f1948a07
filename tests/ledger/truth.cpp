#include "tests/ledger/truth.h"

#include <functional>
#include <utility>

namespace tailgate::ledger {

ContentHash ContentHash::of(Content content, std::string_view bytes) {
  const std::hash<std::string_view> hash;
  std::string exact{static_cast<char>(content)};
  exact.append(bytes);
  std::string lost{static_cast<char>(content)};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\r') {
      lost.push_back(bytes[i]);
    } else if (i + 1 == bytes.size() || bytes[i + 1] != '\n') {
      lost.push_back('\n');
    }
  }
  return {hash(exact), hash(lost)};
}

std::int64_t TruePartition::deleted_before(std::int64_t at_us) const {
  std::int64_t before = 0;
  for (const auto& deletion : deletions) {
    if (deletion.asked_us > at_us) break;
    before = deletion.before;
  }
  return before;
}

void Truth::add(const PartitionName& where, std::int64_t offset, TrueRecord record) {
  const std::lock_guard lock{mutex_};
  partitions_[where].records.insert_or_assign(offset, std::move(record));
}

void Truth::add_deletion(const PartitionName& where, std::int64_t before, std::int64_t asked_us) {
  const std::lock_guard lock{mutex_};
  partitions_[where].deletions.push_back({asked_us, before});
}

void Truth::add_partition(const PartitionName& where) {
  const std::lock_guard lock{mutex_};
  partitions_[where];
}

std::map<PartitionName, TruePartition> Truth::take() const {
  const std::lock_guard lock{mutex_};
  return partitions_;
}

}  // namespace tailgate::ledger
