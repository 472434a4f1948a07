#include "tests/support/redis_sentinels.h"

#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/raw_connection.h"
#include "tests/support/wait.h"

namespace tailgate::test {

Sentinel::Sentinel(int master_port) : port_{free_port()} {
  const std::string config = folder_ / "sentinel.conf";
  write_file(config, "port " + std::to_string(port_) + "\nbind 127.0.0.1\ndir " + folder_.path().string() +
                         "\nsentinel monitor main 127.0.0.1 " + std::to_string(master_port) +
                         " 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n");
  process_ = std::make_unique<Process>(std::vector<std::string>{"redis-server", config, "--sentinel"}, folder_ / "log");
  if (!eventually([&] { return RawConnection::is_open(port_); }))
    throw std::runtime_error("a sentinel did not start:\n" + read_file(folder_ / "log"));
}

std::string Sentinel::command(std::vector<std::string> words) const {
  words.insert(words.begin(), {"redis-cli", "-p", std::to_string(port_)});
  return run(words);
}

bool Sentinel::knows_all() const {
  const auto info = command({"INFO", "sentinel"});
  return info.find("status=ok") != std::string::npos && info.find("slaves=1,sentinels=3") != std::string::npos;
}

std::string Sentinel::log() const { return read_file(folder_ / "log"); }

RedisSentinels::RedisSentinels() {
  for (int i = 0; i < 3; ++i) sentinels.push_back(std::make_unique<Sentinel>(master.port()));
  for (const auto& sentinel : sentinels) {
    if (!eventually([&] { return sentinel->knows_all(); }))
      throw std::runtime_error("a sentinel does not find the others: " + sentinel->command({"INFO", "sentinel"}));
  }
}

std::string RedisSentinels::url() const {
  std::string url = "redis-sentinel://";
  for (const auto& sentinel : sentinels) url += (sentinel == sentinels.front() ? "" : ",") + sentinel->address();
  return url + "/main";
}

void RedisSentinels::set_patience(std::chrono::milliseconds patience) const {
  for (const auto& sentinel : sentinels)
    sentinel->command({"SENTINEL", "SET", "main", "down-after-milliseconds", std::to_string(patience.count())});
}

std::string RedisSentinels::log() const {
  std::string log;
  for (const auto& sentinel : sentinels) log += sentinel->address() + "\n" + sentinel->log();
  return log;
}

}  // namespace tailgate::test
