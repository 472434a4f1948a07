// A link to the master that sentinels name: they are asked every half second, and the newest that any of them knows (by
// its configuration epoch) counts, so that one that lags never brings the old master back. A server is written to only
// once it has said itself that it is a master.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/redis_run.h"
#include "base/timers.h"

namespace tailgate {

class RedisSentinel final : public RedisRunner, private RedisNodeWatch {
 public:
  static constexpr std::int64_t kAskMs = 500;

  RedisSentinel(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls, RedisCounters& counters,
                RedisLog log);
  ~RedisSentinel() override;

 private:
  RedisNode* node_of(const RedisRun&) override { return master_.get(); }
  bool on_refused(RedisNode& node, const Run& run, RedisFailure failure, const std::string& error) override;
  RedisNodeWatch& watch() { return *this; }
  void on_up(RedisNode& node) override;
  void on_down(RedisNode& node, RedisFailure failure, const std::string& why) override;
  void ask_all();
  void ask(RedisNode& sentinel);
  void on_master(const RedisReply& reply);
  void follow(const RedisAddress& address);

  boost::asio::ssl::context* const tls_;
  RedisCounters sentinel_counters_;  // what sentinels are asked does not count as calls
  std::int64_t epoch_ = -1;          // of the master that is followed
  bool may_move_ = false;            // the epoch is newer than what made that one master: another may come with it
  std::unique_ptr<RedisNode> master_;
  std::vector<std::unique_ptr<RedisNode>> sentinels_;
  Timer ask_timer_{*this, [](RedisSentinel& self) { self.ask_all(); }};
};

}  // namespace tailgate
