// A real Redis on a free port, in memory only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

class RedisServer {
 public:
  // `flags` as redis-server takes them. Returns when it answers.
  explicit RedisServer(std::vector<std::string> flags = {});

  int port() const { return port_; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  void kill_hard() { process_->kill_hard(); }
  void start();  // again, on the same port, returns when it answers
  void pause();  // it keeps its sockets and says nothing
  void resume();
  // Through redis-cli; returns what it prints.
  std::string command(std::vector<std::string> words) const;

 private:
  int port_;
  std::vector<std::string> flags_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

}  // namespace tailgate::test
