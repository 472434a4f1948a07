#include "base/redis_cluster.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/decimal.h"
#include "base/redis_failure.h"
#include "base/redis_wire.h"

namespace tailgate {
namespace {

constexpr std::chrono::milliseconds kSlotsDeadline{1'000};
constexpr std::int64_t kPortMax = std::numeric_limits<std::uint16_t>::max();

// "MOVED 3999 host:port"; a server that does not know its own address leaves the host out.
std::optional<RedisAddress> target_of(std::string_view error, const std::string& default_host) {
  const std::size_t space = error.rfind(' ');
  const std::size_t colon = error.rfind(':');
  if (space == error.npos || colon == error.npos || colon < space) return std::nullopt;
  const std::string host{error.substr(space + 1, colon - space - 1)};
  const auto port = parse_decimal(error.substr(colon + 1), kPortMax);
  if (!port || *port == 0) return std::nullopt;
  return RedisAddress{.host = host.empty() ? default_host : host, .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace

RedisCluster::RedisCluster(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls,
                           RedisCounters& counters, RedisLog log)
    : RedisRunner{loop, options, counters, std::move(log)}, tls_{tls} {
  for (const RedisAddress& address : options.servers) node_at(address);
  loop_.timers().set(look_timer_, kLookMs);
}

RedisCluster::~RedisCluster() = default;

RedisNode* RedisCluster::node_at(const RedisAddress& address) {
  const auto known = nodes_.find(address);
  if (known != nodes_.end()) return known->second.get();
  if (nodes_.size() >= kNodesMax) return nullptr;
  const RedisGreeting greeting{.user = options_.user, .password = options_.password};
  auto node = std::make_unique<RedisNode>(loop_, address, options_, greeting, tls_, watch(), counters_);
  return nodes_.emplace(address, std::move(node)).first->second.get();
}

// The next one behind who was asked last: one that hangs, or is no part of the cluster any more, is not the only one
// that is heard. Null: none is up.
RedisNode* RedisCluster::whom_to_ask() const {
  const auto is_up = [](const auto& node) { return node.second->is_up(); };
  const auto behind = nodes_.upper_bound(asked_);
  if (const auto up = std::find_if(behind, nodes_.end(), is_up); up != nodes_.end()) return up->second.get();
  const auto up = std::find_if(nodes_.begin(), behind, is_up);
  return up == behind ? nullptr : up->second.get();
}

// The map is read often while something is away, for a failover changes it, and seldom else.
void RedisCluster::look() {
  const std::int64_t now_ms = loop_.timers().clock().steady_ms();
  RedisNode* const up = whom_to_ask();
  if (up != nullptr && (!is_whole() || now_ms - asked_ms_ >= kRefreshMs)) ask_for_slots(*up);
  loop_.timers().set(look_timer_, kLookMs);
}

void RedisCluster::ask_for_slots(RedisNode& node) {
  if (std::exchange(is_asking_, true)) return;
  asked_ms_ = loop_.timers().clock().steady_ms();
  asked_ = node.address();
  std::string question;
  append_redis_command(question, {"CLUSTER", "SLOTS"});
  node.send(std::move(question), std::chrono::steady_clock::now() + kSlotsDeadline,
            [this, &node](const RedisNode::Outcome& outcome) {
              is_asking_ = false;
              const auto* reply = std::get_if<RedisReply>(&outcome);
              if (reply != nullptr && reply->kind == RedisReply::Kind::array) take_slots(node, *reply);
            });
}

// [[first, last, [host, port, …] of the master, … of its replicas], …]
void RedisCluster::take_slots(const RedisNode& from, const RedisReply& reply) {
  if (reply.items.empty()) return;  // it was taken out of the cluster, and knows nobody
  std::array<RedisNode*, kRedisSlots> slots{};
  std::vector<RedisNode*> masters;
  for (const RedisReply& range : reply.items) {
    if (range.items.size() < 3 || range.items[2].items.size() < 2) return;
    const std::int64_t first = range.items[0].integer;
    const std::int64_t last = range.items[1].integer;
    const RedisReply& master = range.items[2];
    const std::int64_t port = master.items[1].integer;
    if (first < 0 || last < first || last >= static_cast<std::int64_t>(kRedisSlots) || port < 1 || port > kPortMax) {
      return;
    }
    const std::string& host = master.items[0].text.empty() ? from.address().host : master.items[0].text;
    RedisNode* const node = node_at({.host = host, .port = static_cast<std::uint16_t>(port)});
    if (node == nullptr) return;
    std::fill(slots.begin() + first, slots.begin() + last + 1, node);
    if (std::find(masters.begin(), masters.end(), node) == masters.end()) masters.push_back(node);
  }
  slots_ = slots;
  masters_ = std::move(masters);
  drop_unused();
  tell_state("not every slot has a server");
}

void RedisCluster::drop_unused() {
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    const bool is_of_map = std::find(masters_.begin(), masters_.end(), it->second.get()) != masters_.end();
    const bool is_configured =
        std::find(options_.servers.begin(), options_.servers.end(), it->first) != options_.servers.end();
    if (is_of_map || is_configured) {
      ++it;
      continue;
    }
    std::unique_ptr<RedisNode> old = std::move(it->second);
    it = nodes_.erase(it);
    retire(std::move(old));
  }
}

bool RedisCluster::on_refused(RedisNode& node, const Run& run, RedisFailure failure, const std::string& error) {
  if (is_for_another_connection(failure)) node.reconnect(failure, error);
  if (failure != RedisFailure::cluster) return false;
  ask_for_slots(node);
  const bool is_moved = error.starts_with("MOVED ");
  if (!is_moved && !error.starts_with("ASK ")) return false;
  if (++run->redirects > kRedirectsMax) return false;
  const auto address = target_of(error, node.address().host);
  RedisNode* const target = address ? node_at(*address) : nullptr;
  if (target == nullptr) return false;
  run->asking = !is_moved;
  if (is_moved) slots_[redis_slot(run->call.keys.front())] = target;
  send(*target, run);
  return true;
}

bool RedisCluster::is_whole() const {
  return !masters_.empty() &&
         std::all_of(masters_.begin(), masters_.end(), [](const auto* node) { return node->is_up(); }) &&
         std::find(slots_.begin(), slots_.end(), nullptr) == slots_.end();
}

void RedisCluster::tell_state(const std::string& why) {
  if (is_whole()) {
    tell_up("Redis Cluster is up: " + std::to_string(masters_.size()) + " masters");
  } else if (state() == RedisState::up) {
    tell_away("Redis Cluster: a part is away: " + why);
  }
}

void RedisCluster::on_up(RedisNode& node) {
  if (!is_whole()) ask_for_slots(node);
  tell_state("");
}

void RedisCluster::on_down(RedisNode& node, RedisFailure failure, const std::string& why) {
  const std::string where = node.address().text();
  const std::string kind = " (" + std::string{name_of(failure)} + "): ";
  if (state() == RedisState::connecting) tell_away("Redis Cluster: " + where + " is away" + kind + why);
  tell_state(where + kind + why);
}

}  // namespace tailgate
