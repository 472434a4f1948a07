#include "base/redis_run.h"

#include <algorithm>
#include <utility>

#include "base/redis_failure.h"
#include "base/redis_wire.h"

namespace tailgate {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// WAIT gives up before our own deadline does, so that a Redis that answers "fewer" keeps its connection. It looks at
// its clock ten times a second.
constexpr milliseconds kWaitSlack{250};

constexpr std::int64_t kStillAwayMs = 60'000;
constexpr std::size_t kRefusalBytesMax = 200;

std::string wire_of(const RedisRun& run) {
  const RedisCall& call = run.call;
  std::string wire;
  append_redis_header(wire, 3 + call.keys.size() + call.arguments.size());
  append_redis_word(wire, run.by_text ? "EVAL" : "EVALSHA");
  append_redis_word(wire, run.by_text ? call.script.text() : call.script.sha());
  append_redis_word(wire, std::to_string(call.keys.size()));
  for (const std::string& key : call.keys) append_redis_word(wire, key);
  for (const std::string& argument : call.arguments) append_redis_word(wire, argument);
  return wire;
}

}  // namespace

RedisRunner::RedisRunner(IoLoop& loop, const RedisOptions& options, RedisCounters& counters, RedisLog log)
    : loop_{loop},
      options_{options},
      counters_{counters},
      log_{std::move(log)},
      away_ms_{loop.timers().clock().steady_ms()},
      still_away_{*this, [](RedisRunner& self) { self.tell_still_away(); }} {
  loop_.timers().set(still_away_, kStillAwayMs);
}

Ask<RedisAnswer> RedisRunner::run(RedisCall call, std::function<void(RedisAnswer)> then) {
  auto [ask, reply] = make_ask<RedisAnswer>(loop_, std::move(then));
  counters_.calls.add();
  const auto now = SteadyClock::now();
  start(std::make_shared<RedisRun>(
      RedisRun{std::move(call), std::move(reply), now, now + milliseconds{options_.deadline_ms}, false, false, 0, {}}));
  return std::move(ask);
}

void RedisRunner::start(const Run& run) {
  RedisNode* const node = node_of(*run);
  if (node == nullptr) return fail(*run, RedisFailure::away, "there is no server for it now");
  send(*node, run);
}

void RedisRunner::send(RedisNode& node, const Run& run) {
  if (run->asking) {  // for the one command behind it
    std::string asking;
    append_redis_command(asking, {"ASKING"});
    node.send(std::move(asking), run->deadline, [](const RedisNode::Outcome&) {});
  }
  node.send(wire_of(*run), run->deadline,
            [this, &node, run](RedisNode::Outcome outcome) { on_outcome(node, run, std::move(outcome)); });
}

// Asks for the replicas of everything that the connection has written: of this, and maybe of what came behind it.
void RedisRunner::confirm(RedisNode& node, const Run& run) {
  const auto left = std::chrono::duration_cast<milliseconds>(run->deadline - SteadyClock::now());
  std::string wait;
  append_redis_command(wait, {"WAIT", std::to_string(run->call.replicas),
                              std::to_string(std::max(left - kWaitSlack, milliseconds{1}).count())});
  node.send(std::move(wait), run->deadline,
            [this, run](const RedisNode::Outcome& outcome) { on_confirmed(*run, outcome); });
}

void RedisRunner::on_outcome(RedisNode& node, const Run& run, RedisNode::Outcome outcome) {
  if (const auto* failure = std::get_if<RedisFailure>(&outcome)) return fail(*run, *failure, "");
  auto& reply = std::get<RedisReply>(outcome);
  if (reply.kind != RedisReply::Kind::error) {
    if (run->call.replicas == 0) return succeed(*run, std::move(reply));
    run->result = std::move(reply);
    return confirm(node, run);
  }
  if (reply.text.starts_with("NOSCRIPT") && !run->by_text) {
    run->by_text = true;
    return send(node, run);
  }
  const RedisFailure failure = failure_of(reply.text);
  if (!on_refused(node, run, failure, reply.text)) fail(*run, failure, reply.text);
}

void RedisRunner::on_confirmed(RedisRun& run, const RedisNode::Outcome& outcome) {
  if (const auto* failure = std::get_if<RedisFailure>(&outcome)) return fail(run, *failure, "");
  const auto& confirmed = std::get<RedisReply>(outcome);
  if (confirmed.kind == RedisReply::Kind::error) return fail(run, failure_of(confirmed.text), confirmed.text);
  if (confirmed.integer < run.call.replicas) {
    return fail(run, RedisFailure::no_replicas,
                std::to_string(confirmed.integer) + " of " + std::to_string(run.call.replicas) + " replicas confirmed");
  }
  succeed(run, std::move(*run.result));
}

void RedisRunner::succeed(RedisRun& run, RedisReply reply) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - run.started).count();
  const auto bucket = std::lower_bound(kRedisLatencyBucketsUs.begin(), kRedisLatencyBucketsUs.end(), us);
  counters_.latency[static_cast<std::size_t>(bucket - kRedisLatencyBucketsUs.begin())].add();
  counters_.latency_sum_us.add(static_cast<std::uint64_t>(us));
  run.reply(std::move(reply));
}

void RedisRunner::tell_up(const std::string& line) {
  if (state_.exchange(RedisState::up, std::memory_order_relaxed) == RedisState::up) return;
  still_away_.cancel();
  log_(ReportLevel::info, line);
}

void RedisRunner::tell_away(const std::string& line) {
  if (state_.exchange(RedisState::away, std::memory_order_relaxed) == RedisState::away) return;
  away_line_ = line;
  away_ms_ = loop_.timers().clock().steady_ms();
  loop_.timers().set(still_away_, kStillAwayMs);
  log_(ReportLevel::warning, line);
}

void RedisRunner::tell_still_away() {
  const std::int64_t seconds = (loop_.timers().clock().steady_ms() - away_ms_) / 1'000;
  log_(ReportLevel::warning, away_line_ + " (for " + std::to_string(seconds) + " s now)");
  loop_.timers().set(still_away_, kStillAwayMs);
}

void RedisRunner::tell_up(const RedisNode& node) { tell_up("Redis at " + node.address().text() + " is up"); }

void RedisRunner::tell_down(const RedisNode& node, RedisFailure failure, const std::string& why) {
  tell_away("Redis at " + node.address().text() + " is away (" + std::string{name_of(failure)} + "): " + why);
}

// It answers, and so is not away: without this line nobody would know why cursors are not saved.
void RedisRunner::tell_refused(RedisFailure failure, const std::string& detail) {
  auto& gate = refusals_.try_emplace(failure, loop_.timers().clock(), /*per_minute=*/1, /*burst=*/1).first->second;
  const auto kept_back = gate.admit();
  if (!kept_back) return;
  std::string line = "Redis refuses (" + std::string{name_of(failure)} + "): " + detail.substr(0, kRefusalBytesMax);
  if (*kept_back > 0) line += " (and " + std::to_string(*kept_back) + " more of this kind)";
  log_(ReportLevel::warning, line);
}

void RedisRunner::retire(std::unique_ptr<RedisNode> node) {
  node->abandon();
  retired_.push_back(std::move(node));
  loop_.timers().set(retired_timer_, 0);
}

void RedisRunner::fail(RedisRun& run, RedisFailure failure, const std::string& detail) {
  counters_.failures[static_cast<std::size_t>(failure)].add();
  if (!detail.empty()) tell_refused(failure, detail);
  std::string sentence{"Redis: "};
  sentence += name_of(failure);
  if (!detail.empty()) sentence.append(": ").append(detail);
  run.reply(Error{ErrorCode::upstream_down, std::move(sentence)});
}

}  // namespace tailgate
