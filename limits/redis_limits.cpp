#include "limits/redis_limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/percent.h"
#include "limits/limit_scripts.h"

namespace tailgate {
namespace {

constexpr std::int64_t kRenewAfterMs = kSlotLeaseMs / 3;
constexpr std::int64_t kRenewStepMs = 100;
constexpr std::size_t kRenewOwnersMax = 500;  // a step, so that Redis is not asked in gusts
constexpr std::size_t kRenewPlacesMax = 200;  // of a call

std::string number(double value) { return std::to_string(value); }

}  // namespace

RedisLimits::RedisLimits(RedisLink& link, Loop& loop, std::string prefix, LimitTable& own, const ReplicaCount& replicas,
                         LimitCounters& counters)
    : link_{link},
      loop_{loop},
      prefix_{std::move(prefix)},
      own_{own},
      replicas_{replicas},
      counters_{counters},
      renewal_{*this, [](RedisLimits& self) { self.renew_due(); }} {
  loop_.timers().set(renewal_, kRenewStepMs);
}

std::string RedisLimits::key(std::string_view kind, const std::string& name) const {
  std::string key = prefix_;
  key += kind;
  append_percent_encoded(key, name);
  return key + '}';
}

void RedisLimits::run(const RedisScript& script, std::string key, std::vector<std::string> arguments,
                      std::function<void(const RedisAnswer&)> then) {
  asked_.emplace_back();
  const auto place = std::prev(asked_.end());
  RedisCall call{script, {std::move(key)}, std::move(arguments), 0};
  *place = link_.run(std::move(call), [this, place, then = std::move(then)](const RedisAnswer& answer) {
    asked_.erase(place);
    then(answer);
  });
}

TokenRate RedisLimits::share_of(const TokenRate& rate) const {
  const auto replicas = static_cast<double>(replicas_.count());
  return {rate.per_second / replicas, std::max(1.0, rate.burst / replicas)};
}

TokenGrant RedisLimits::take_share(const std::string& bucket, const TokenRate& rate, std::int64_t wanted) {
  counters_.without_redis.add();
  return own_.take(bucket, share_of(rate), wanted);
}

Ask<TokenGrant> RedisLimits::take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted,
                                  ThenTokens then) {
  auto [ask, reply] = make_ask<TokenGrant>(loop_, std::move(then));
  const double owed = own_.settle(bucket, share_of(rate));
  std::vector<std::string> arguments{number(rate.interval_us()), number(rate.burst * rate.interval_us()),
                                     std::to_string(wanted), number(owed)};
  run(limit_scripts().take, rate_key(bucket), std::move(arguments),
      [this, reply = reply, bucket, rate, wanted, owed](const RedisAnswer& answer) {
        if (!answer || answer->items.size() != 3) {
          own_.owe(bucket, share_of(rate), owed);
          return reply(take_share(bucket, rate, wanted));
        }
        const auto& items = answer->items;
        const auto burst = static_cast<std::int64_t>(rate.burst);
        const auto retry_max_us = static_cast<std::int64_t>((rate.burst + 1) * rate.interval_us()) + 1;
        const std::int64_t granted = std::clamp<std::int64_t>(items[0].integer, 0, wanted);
        // Who was given less than it wanted was given all that there was.
        const std::int64_t left = granted < wanted ? 0 : std::clamp<std::int64_t>(items[1].integer, 0, burst);
        reply(TokenGrant{granted, left, std::clamp<std::int64_t>(items[2].integer, 0, retry_max_us)});
      });
  return std::move(ask);
}

// Taken here first: what this replica has given away itself needs no question.
Ask<bool> RedisLimits::take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                                 ThenSlot then) {
  auto [ask, reply] = make_ask<bool>(loop_, std::move(then));
  if (!own_.take_slot(owner, place, slots_max)) {
    reply(false);
    return std::move(ask);
  }
  std::vector<std::string> arguments{std::to_string(kSlotLeaseMs), std::to_string(slots_max), place};
  hold(owner, place);
  run(limit_scripts().take_slot, slots_key(owner), std::move(arguments),
      [this, reply = reply, owner, place, slots_max](const RedisAnswer& answer) {
        bool is_taken = answer && answer->integer == 1;
        if (!answer) {
          counters_.without_redis.add();
          is_taken = own_.slots_of(owner) <= std::max<std::size_t>(1, slots_max / replicas_.count());
        }
        if (is_taken) {
          renew_from_now_on(owner, place);
        } else if (answer) {
          forget_slot(owner, place);
        } else {
          leave_slot(owner, place);  // it may have been given
        }
        reply(is_taken);
      });
  return std::move(ask);
}

void RedisLimits::hold(const std::string& owner, const std::string& place) {
  auto& at = by_name_[owner];
  if (at == std::list<Owner>::iterator{}) {
    owners_.push_back({owner, loop_.timers().clock().steady_ms() + kRenewAfterMs, {}});
    at = std::prev(owners_.end());
  }
  at->places.emplace(place, false);
}

// Not before it is given: a renewal writes down what it names, and nobody would take that back.
void RedisLimits::renew_from_now_on(const std::string& owner, const std::string& place) {
  const auto held = by_name_.find(owner);
  if (held == by_name_.end()) return;
  const auto at = held->second->places.find(place);
  if (at != held->second->places.end()) at->second = true;
}

void RedisLimits::leave_slot(const std::string& owner, const std::string& place) {
  if (!forget_slot(owner, place)) return;
  run(limit_scripts().leave_slot, slots_key(owner), {place}, [](const RedisAnswer&) {});  // else its lease ends
}

bool RedisLimits::forget_slot(const std::string& owner, const std::string& place) {
  own_.leave_slot(owner, place);
  const auto held = by_name_.find(owner);
  if (held == by_name_.end() || held->second->places.erase(place) == 0) return false;
  if (held->second->places.empty()) {
    owners_.erase(held->second);
    by_name_.erase(held);
  }
  return true;
}

void RedisLimits::renew_due() {
  loop_.timers().set(renewal_, kRenewStepMs);
  const std::int64_t now_ms = loop_.timers().clock().steady_ms();
  // One that was away may have forgotten all of them.
  const bool is_up = link_.state() == RedisState::up;
  if (is_up && !was_up_) {
    ++returns_;
    for (Owner& owner : owners_) owner.renew_ms = now_ms;
  }
  was_up_ = is_up;
  for (std::size_t i = 0; i < kRenewOwnersMax && !owners_.empty() && owners_.front().renew_ms <= now_ms; ++i) {
    Owner& owner = owners_.front();
    owner.renew_ms = now_ms + kRenewAfterMs;
    for (auto place = owner.places.begin(); place != owner.places.end();) {
      std::vector<std::string> arguments{std::to_string(kSlotLeaseMs)};
      for (; place != owner.places.end() && arguments.size() <= kRenewPlacesMax; ++place) {
        if (place->second) arguments.push_back(place->first);
      }
      if (arguments.size() == 1) continue;
      run(limit_scripts().renew_slots, slots_key(owner.name), std::move(arguments), [](const RedisAnswer&) {});
    }
    owners_.splice(owners_.end(), owners_, owners_.begin());
  }
}

}  // namespace tailgate
