// A link to a Redis Cluster: a node for each master, the map of slots, redirections followed.
//
// Bounds: kNodesMax nodes, kRedirectsMax redirections of a call, all within its deadline.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/redis_run.h"
#include "base/redis_slot.h"
#include "base/timers.h"

namespace tailgate {

class RedisCluster final : public RedisRunner, private RedisNodeWatch {
 public:
  static constexpr std::size_t kNodesMax = 1'000;
  static constexpr int kRedirectsMax = 5;
  static constexpr std::int64_t kLookMs = 500;  // while something of the map is away
  static constexpr std::int64_t kRefreshMs = 10'000;

  RedisCluster(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls, RedisCounters& counters,
               RedisLog log);
  ~RedisCluster() override;

 private:
  RedisNode* node_of(const RedisRun& run) override { return slots_[redis_slot(run.call.keys.front())]; }
  bool on_refused(RedisNode& node, const Run& run, RedisFailure failure, const std::string& error) override;
  RedisNodeWatch& watch() { return *this; }
  void on_up(RedisNode& node) override;
  void on_down(RedisNode& node, RedisFailure failure, const std::string& why) override;
  // Null: there are kNodesMax.
  RedisNode* node_at(const RedisAddress& address);
  RedisNode* whom_to_ask() const;
  void look();
  void ask_for_slots(RedisNode& node);
  void take_slots(const RedisNode& from, const RedisReply& reply);
  void drop_unused();
  bool is_whole() const;
  void tell_state(const std::string& why);

  boost::asio::ssl::context* const tls_;
  std::map<RedisAddress, std::unique_ptr<RedisNode>> nodes_;  // those of the map, and the ones that were configured
  std::array<RedisNode*, kRedisSlots> slots_{};
  std::vector<RedisNode*> masters_;  // of the map
  bool is_asking_ = false;
  std::int64_t asked_ms_ = 0;
  RedisAddress asked_;  // who was asked last
  Timer look_timer_{*this, [](RedisCluster& self) { self.look(); }};
};

}  // namespace tailgate
