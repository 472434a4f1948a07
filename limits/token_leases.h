// Tokens of the callers of one io thread, taken from the store in advance: who asks often costs a question now and
// then, and who was refused costs none until there is a token again, or the store is back that was away: it may give
// more than this replica's share.
//
// A lease of n tokens is taken out of the bucket at once and is good for kLeaseMs, so that all replicas together admit
// at most rate · (time + kLeaseMs) + burst. It holds one token for who asks seldom and twice as many as the last one
// for who has used that up in time, up to a tenth of a second's worth and a quarter of the burst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/loop.h"
#include "limits/limit_counters.h"
#include "limits/limit_store.h"

namespace tailgate {

struct TokenVerdict {
  bool is_admitted = false;
  std::int64_t left = 0;      // about so many more would be
  std::int64_t retry_ms = 0;  // refused: when there is a token again
};

// Threads: its loop's.
class TokenLeases {
 public:
  static constexpr std::int64_t kLeaseMs = 1'000;
  // Who has nothing left is not asked for before, while tokens gather in the bucket; less where that would be full.
  static constexpr std::int64_t kPauseMs = 20;
  static constexpr std::size_t kCallersMax = 65'536;  // that are remembered; who asked longest ago is forgotten

  // `name` goes in front of the buckets'.
  TokenLeases(LimitStore& store, Loop& loop, std::string name, const TokenRate& rate, LimitCounters& counters);

  // nullopt: it has to be asked for.
  std::optional<TokenVerdict> try_take(const std::string& caller);
  Ask<TokenVerdict> take(const std::string& caller, std::function<void(TokenVerdict)> then);

  const TokenRate& rate() const { return rate_; }
  std::size_t callers() const { return callers_.size(); }

 private:
  struct Caller {
    std::string name;
    std::int64_t tokens = 0;  // good until lease_ends_ms
    std::int64_t left = 0;    // in the store, when it was last asked
    std::int64_t lease_ends_ms = 0;
    std::int64_t refused_until_ms = 0;
    std::uint64_t refused_in = 0;  // returns() of the store then
    std::int64_t lease = 1;        // how many to ask for
    std::vector<Reply<TokenVerdict>> waiting;
    Ask<TokenGrant> asked;
  };
  using Callers = std::list<Caller>;

  Caller& find(const std::string& caller);
  void ask(Caller& caller);
  void on_grant(Caller& caller, const TokenGrant& grant);
  TokenVerdict refused(const Caller& caller, std::int64_t now_ms);
  std::int64_t now_ms() const { return loop_.timers().clock().steady_ms(); }

  LimitStore& store_;
  Loop& loop_;
  const std::string name_;
  const TokenRate rate_;
  const std::int64_t lease_max_;
  const std::int64_t pause_ms_;
  LimitCounters& counters_;
  Callers callers_;  // who asked last is the first
  std::unordered_map<std::string, Callers::iterator> by_name_;
};

}  // namespace tailgate
