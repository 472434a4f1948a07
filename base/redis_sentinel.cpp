#include "base/redis_sentinel.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/decimal.h"
#include "base/redis_failure.h"
#include "base/redis_wire.h"

namespace tailgate {
namespace {

constexpr std::chrono::milliseconds kSentinelDeadline{1'000};

// A value of the flat list of names and values that SENTINEL MASTER answers.
std::string value_of(const RedisReply& reply, std::string_view name) {
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    if (reply.items[i].is_text(name)) return reply.items[i + 1].text;
  }
  return {};
}

}  // namespace

RedisSentinel::RedisSentinel(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls,
                             RedisCounters& counters, RedisLog log)
    : RedisRunner{loop, options, counters, std::move(log)}, tls_{tls} {
  for (const RedisAddress& address : options.servers) {
    const RedisGreeting greeting{.user = options.user, .password = options.password, .is_sentinel = true};
    sentinels_.push_back(
        std::make_unique<RedisNode>(loop, address, options, greeting, tls, watch(), sentinel_counters_));
  }
  loop_.timers().set(ask_timer_, kAskMs);
}

RedisSentinel::~RedisSentinel() = default;

void RedisSentinel::ask_all() {
  for (const auto& sentinel : sentinels_) {
    if (sentinel->is_up()) ask(*sentinel);
  }
  loop_.timers().set(ask_timer_, kAskMs);
}

void RedisSentinel::ask(RedisNode& sentinel) {
  std::string question;
  append_redis_command(question, {"SENTINEL", "MASTER", options_.master_name});
  sentinel.send(std::move(question), std::chrono::steady_clock::now() + kSentinelDeadline,
                [this](const RedisNode::Outcome& outcome) {
                  if (const auto* reply = std::get_if<RedisReply>(&outcome)) on_master(*reply);
                });
}

void RedisSentinel::on_master(const RedisReply& reply) {
  const std::string host = value_of(reply, "ip");
  const auto port = parse_decimal(value_of(reply, "port"), std::numeric_limits<std::uint16_t>::max());
  const auto epoch = parse_decimal(value_of(reply, "config-epoch"));
  if (host.empty() || !port || !epoch || *epoch < epoch_) return;
  const RedisAddress address{.host = host, .port = static_cast<std::uint16_t>(*port)};
  const bool is_newer = *epoch > epoch_;
  if (master_ && master_->address() == address) {
    // A sentinel that leads a failover names the new epoch a moment before the new master.
    may_move_ = may_move_ || is_newer;
    epoch_ = *epoch;
    return;
  }
  if (!is_newer && !may_move_) return;  // who was first stays until there is a newer one
  may_move_ = false;
  epoch_ = *epoch;
  follow(address);
}

void RedisSentinel::follow(const RedisAddress& address) {
  log_(ReportLevel::info, "Redis: the sentinels' master is " + address.text());
  if (master_) retire(std::move(master_));
  const RedisGreeting greeting{
      .user = options_.user, .password = options_.password, .db = options_.db, .must_be_master = true};
  master_ = std::make_unique<RedisNode>(loop_, address, options_, greeting, tls_, watch(), counters_);
}

bool RedisSentinel::on_refused(RedisNode& node, const Run&, RedisFailure failure, const std::string& error) {
  if (is_for_another_connection(failure)) {
    node.reconnect(failure, error);
    ask_all();
  }
  return false;
}

void RedisSentinel::on_up(RedisNode& node) {
  if (&node != master_.get()) return ask(node);
  tell_up(node);
}

void RedisSentinel::on_down(RedisNode& node, RedisFailure failure, const std::string& why) {
  if (&node == master_.get()) tell_down(node, failure, why);
}

}  // namespace tailgate
