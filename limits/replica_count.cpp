#include "limits/replica_count.h"

#include <algorithm>
#include <utility>

#include "limits/limit_scripts.h"

namespace tailgate {
namespace {

constexpr std::int64_t kLeaseMs = 15'000;
constexpr std::int64_t kAskMs = 5'000;
constexpr std::int64_t kReplicasMax = 1'000;  // more than that is not what replicas have written

}  // namespace

ReplicaCount::ReplicaCount(RedisLink& link, Loop& loop, const std::string& prefix, std::string id, std::size_t fixed)
    : link_{link},
      loop_{loop},
      key_{prefix + ":{replicas}"},
      id_{std::move(id)},
      is_fixed_{fixed > 0},
      count_{std::max<std::size_t>(fixed, 1)},
      timer_{*this, [](ReplicaCount& self) { self.ask(); }} {
  if (!is_fixed_) loop_.timers().set(timer_, 0);
}

// What it said last holds as long as it says nothing.
void ReplicaCount::ask() {
  loop_.timers().set(timer_, kAskMs);
  RedisCall call{limit_scripts().count_replicas, {key_}, {std::to_string(kLeaseMs), id_}, 0};
  asked_ = link_.run(std::move(call), [this](const RedisAnswer& answer) {
    if (answer && answer->integer > 0) {
      count_.store(static_cast<std::size_t>(std::min(answer->integer, kReplicasMax)), std::memory_order_relaxed);
    } else {
      loop_.timers().set(timer_, kAskMs / 10);
    }
  });
}

}  // namespace tailgate
