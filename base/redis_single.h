// A link to one Redis: a server, a name or address that leads to the master, or a Unix socket.
#pragma once

#include <string>

#include "base/redis_run.h"

namespace tailgate {

class RedisSingle final : public RedisRunner, private RedisNodeWatch {
 public:
  RedisSingle(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls, RedisCounters& counters,
              RedisLog log);

 private:
  RedisNode* node_of(const RedisRun&) override { return &node_; }
  bool on_refused(RedisNode& node, const Run& run, RedisFailure failure, const std::string& error) override;
  void on_up(RedisNode& node) override { tell_up(node); }
  void on_down(RedisNode& node, RedisFailure failure, const std::string& why) override {
    tell_down(node, failure, why);
  }

  RedisNode node_;
};

}  // namespace tailgate
