#include "limits/token_leases.h"

#include <algorithm>
#include <utility>

namespace tailgate {

TokenLeases::TokenLeases(LimitStore& store, Loop& loop, std::string name, const TokenRate& rate,
                         LimitCounters& counters)
    : store_{store},
      loop_{loop},
      name_{std::move(name)},
      rate_{rate},
      lease_max_{std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(rate.per_second / 10, rate.burst / 4)))},
      pause_ms_{std::min<std::int64_t>(kPauseMs, static_cast<std::int64_t>(rate.burst * rate.interval_us() / 2'000))},
      counters_{counters} {}

TokenLeases::Caller& TokenLeases::find(const std::string& caller) {
  if (const auto known = by_name_.find(caller); known != by_name_.end()) {
    callers_.splice(callers_.begin(), callers_, known->second);
    return callers_.front();
  }
  if (callers_.size() >= kCallersMax && callers_.back().waiting.empty()) {
    by_name_.erase(callers_.back().name);
    callers_.pop_back();
  }
  callers_.emplace_front().name = caller;
  by_name_.emplace(caller, callers_.begin());
  return callers_.front();
}

TokenVerdict TokenLeases::refused(const Caller& caller, std::int64_t now) {
  counters_.refused.add();
  return {false, 0, std::max<std::int64_t>(1, caller.refused_until_ms - now)};
}

std::optional<TokenVerdict> TokenLeases::try_take(const std::string& name) {
  Caller& caller = find(name);
  const std::int64_t now = now_ms();
  if (now < caller.refused_until_ms && caller.refused_in == store_.returns()) return refused(caller, now);
  if (caller.tokens == 0 || now >= caller.lease_ends_ms || !caller.waiting.empty()) return std::nullopt;
  --caller.tokens;
  counters_.admitted.add();
  return TokenVerdict{true, caller.tokens + caller.left, 0};
}

Ask<TokenVerdict> TokenLeases::take(const std::string& name, std::function<void(TokenVerdict)> then) {
  auto [verdict, reply] = make_ask<TokenVerdict>(loop_, std::move(then));
  if (const auto at_hand = try_take(name)) {
    reply(*at_hand);
    return std::move(verdict);
  }
  Caller& caller = callers_.front();
  caller.waiting.push_back(reply);
  if (!caller.asked.is_waiting()) ask(caller);
  return std::move(verdict);
}

void TokenLeases::ask(Caller& caller) {
  const bool is_used_up_in_time = caller.tokens == 0 && now_ms() < caller.lease_ends_ms;
  caller.lease = is_used_up_in_time ? std::min(2 * caller.lease, lease_max_) : 1;
  const std::int64_t wanted = std::max(caller.lease, static_cast<std::int64_t>(caller.waiting.size()));
  counters_.asked.add();
  caller.asked = store_.take(name_ + caller.name, rate_, wanted,
                             [this, &caller](const TokenGrant& grant) { on_grant(caller, grant); });
}

// Who came first is served first. Nobody is forgotten while somebody waits, so `caller` is there.
void TokenLeases::on_grant(Caller& caller, const TokenGrant& grant) {
  const std::int64_t now = now_ms();
  caller.tokens = grant.granted;
  caller.left = grant.left;
  caller.lease_ends_ms = now + kLeaseMs;
  const std::size_t served = std::min(caller.waiting.size(), static_cast<std::size_t>(grant.granted));
  for (std::size_t i = 0; i < served; ++i) {
    --caller.tokens;
    counters_.admitted.add();
    caller.waiting[i]({true, caller.tokens + caller.left, 0});
  }
  caller.waiting.erase(caller.waiting.begin(), caller.waiting.begin() + static_cast<std::ptrdiff_t>(served));
  if (caller.waiting.empty()) return;
  if (grant.left > 0) return ask(caller);  // they came while it was asked for fewer
  caller.refused_until_ms = now + std::max((grant.retry_us + 999) / 1'000, pause_ms_);
  caller.refused_in = store_.returns();
  for (const auto& reply : std::exchange(caller.waiting, {})) reply(refused(caller, now));
}

}  // namespace tailgate
