// A Redis with a replica and three real sentinels that put the one into the place of the other.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

class Sentinel {
 public:
  explicit Sentinel(int master_port);

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string command(std::vector<std::string> words) const;
  // It has found the replica and the other two.
  bool knows_all() const;
  std::string log() const;

 private:
  int port_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

struct RedisSentinels {
  // Returns when every sentinel knows all others.
  RedisSentinels();

  // "redis-sentinel://…/main"
  std::string url() const;
  // How long a master has to be silent before it is taken for dead; a second at first.
  void set_patience(std::chrono::milliseconds patience) const;
  // What all of them have logged, one after the other.
  std::string log() const;

  RedisServer master;  // at first
  RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(master.port())}};
  std::vector<std::unique_ptr<Sentinel>> sentinels;
};

}  // namespace tailgate::test
