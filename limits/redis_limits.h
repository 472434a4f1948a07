// Limits in Redis, shared by all replicas. Where Redis does not answer, this replica's share is kept in memory.
//
// Keys: PREFIX:rate:{BUCKET} and PREFIX:slots:{OWNER}, percent-encoded. A slot is a lease of kSlotLeaseMs that is
// renewed every third of it, so that those of a replica that was killed are free when it is over; slots that a Redis
// has lost are there again after a renewal, and all are renewed once it has been away. What was taken from this
// replica's share meanwhile is accounted for with the first question that Redis answers, so that nothing is given
// twice.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "base/redis.h"
#include "base/timers.h"
#include "limits/limit_counters.h"
#include "limits/limit_store.h"
#include "limits/memory_limits.h"
#include "limits/replica_count.h"

namespace tailgate {

inline constexpr std::int64_t kSlotLeaseMs = 15'000;

// Threads: its loop's.
class RedisLimits final : public LimitStore {
 public:
  // `own`: the slots of this replica, and its buckets while Redis is away; of the process. All outlive it.
  RedisLimits(RedisLink& link, Loop& loop, std::string prefix, LimitTable& own, const ReplicaCount& replicas,
              LimitCounters& counters);

  Ask<TokenGrant> take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted, ThenTokens then) override;
  Ask<bool> take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                      ThenSlot then) override;
  void leave_slot(const std::string& owner, const std::string& place) override;
  std::uint64_t returns() const override { return returns_; }

 private:
  struct Owner {
    std::string name;
    std::int64_t renew_ms;               // when it is due
    std::map<std::string, bool> places;  // true: it has been given, and is renewed
  };

  void run(const RedisScript& script, std::string key, std::vector<std::string> arguments,
           std::function<void(const RedisAnswer&)> then);
  // What this replica may give alone.
  TokenRate share_of(const TokenRate& rate) const;
  TokenGrant take_share(const std::string& bucket, const TokenRate& rate, std::int64_t wanted);
  void hold(const std::string& owner, const std::string& place);
  void renew_from_now_on(const std::string& owner, const std::string& place);
  // False: it was not held.
  bool forget_slot(const std::string& owner, const std::string& place);
  void renew_due();
  std::string rate_key(const std::string& bucket) const { return key(":rate:{", bucket); }
  std::string slots_key(const std::string& owner) const { return key(":slots:{", owner); }
  std::string key(std::string_view kind, const std::string& name) const;

  RedisLink& link_;
  Loop& loop_;
  const std::string prefix_;
  LimitTable& own_;
  const ReplicaCount& replicas_;
  LimitCounters& counters_;
  std::list<Ask<RedisAnswer>> asked_;
  std::list<Owner> owners_;  // that hold slots through this loop, the one first that is to be renewed first
  std::unordered_map<std::string, std::list<Owner>::iterator> by_name_;
  bool was_up_ = true;
  std::uint64_t returns_ = 0;
  Timer renewal_;
};

}  // namespace tailgate
