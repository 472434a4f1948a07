// Limits in the memory of this process, for all of its threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "limits/limit_store.h"

namespace tailgate {

// Threads: any. A bucket that is full again is forgotten, so that memory goes with those who ask now.
class LimitTable {
 public:
  explicit LimitTable(const Clock& clock) : clock_{clock} {}

  TokenGrant take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted);
  // How many tokens of the bucket were taken that have not come again meanwhile, as far as nobody asked before: who
  // asks accounts for them elsewhere, and owes them again where that fails.
  double settle(const std::string& bucket, const TokenRate& rate);
  void owe(const std::string& bucket, const TokenRate& rate, double tokens);

  // False: all of them are taken. Who has the place already keeps it.
  bool take_slot(const std::string& owner, const std::string& place, std::size_t slots_max);
  void leave_slot(const std::string& owner, const std::string& place);

  std::size_t slots_of(const std::string& owner) const;
  std::size_t buckets() const;
  // Slots that are taken, of all owners.
  std::size_t slots() const;

 private:
  struct Bucket {
    double full_us = 0;  // take_tokens' state
    double owed_us = 0;  // when what is owed would have come again
  };
  double now_us() const { return static_cast<double>(clock_.steady_ms()) * 1'000; }
  void forget_full();

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::size_t sweep_at_ = 1'024;  // buckets, from which on the full ones are looked for
  std::unordered_map<std::string, std::unordered_set<std::string>> places_;
  std::size_t slots_ = 0;
};

// The table as the store of one loop.
class MemoryLimits final : public LimitStore {
 public:
  MemoryLimits(LimitTable& table, Loop& loop) : table_{table}, loop_{loop} {}

  Ask<TokenGrant> take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted, ThenTokens then) override;
  Ask<bool> take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                      ThenSlot then) override;
  void leave_slot(const std::string& owner, const std::string& place) override { table_.leave_slot(owner, place); }

 private:
  LimitTable& table_;
  Loop& loop_;
};

}  // namespace tailgate
