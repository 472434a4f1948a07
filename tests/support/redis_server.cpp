#include "tests/support/redis_server.h"

#include <csignal>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/raw_connection.h"

namespace tailgate::test {

RedisServer::RedisServer(std::vector<std::string> flags) : port_{free_port()}, flags_{std::move(flags)} { start(); }

void RedisServer::start() {
  std::vector<std::string> command{
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--save", "", "--dir", folder_.path()};
  command.insert(command.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<Process>(command, folder_ / "log");
  const auto is_up = [&] { return RawConnection::is_open(port_) || !process_->is_running(); };
  if (!eventually(is_up) || !process_->is_running())
    throw std::runtime_error("Redis did not start:\n" + read_file(folder_ / "log"));
}

void RedisServer::pause() { process_->signal(SIGSTOP); }

void RedisServer::resume() { process_->signal(SIGCONT); }

std::string RedisServer::command(std::vector<std::string> words) const {
  words.insert(words.begin(), {"redis-cli", "-p", std::to_string(port_)});
  return run(words);
}

}  // namespace tailgate::test
