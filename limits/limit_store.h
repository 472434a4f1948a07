// Where what limits count is kept: in memory for one replica, in Redis for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/loop.h"
#include "limits/gcra.h"

namespace tailgate {

// Threads: of the loop that it was made for. Answers come on it, never within the call. There is always an answer: a
// store that is away answers from this replica's share.
class LimitStore {
 public:
  using ThenTokens = std::function<void(TokenGrant)>;
  using ThenSlot = std::function<void(bool)>;
  virtual ~LimitStore() = default;

  // Up to `wanted` (> 0) tokens of a bucket, whose name is any bytes.
  virtual Ask<TokenGrant> take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted,
                               ThenTokens then) = 0;

  // One of `slots_max` places of `owner`. Who is told true holds `place`, a name that no other has, until leave_slot;
  // who gives up asking leaves it too.
  virtual Ask<bool> take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                              ThenSlot then) = 0;
  virtual void leave_slot(const std::string& owner, const std::string& place) = 0;

  // How often it has come back. What it refused before may have been this replica's share, and is to be asked again.
  virtual std::uint64_t returns() const { return 0; }
};

}  // namespace tailgate
