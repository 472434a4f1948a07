// HAProxy and nginx in front of replicas, with the configurations of deploy/ as they stand there but for addresses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

struct Backend {
  int port = 0;
  int admin_port = 0;
  std::string host = "127.0.0.1";
};

class Balancer {
 public:
  // Return when clients are answered.
  static std::unique_ptr<Balancer> haproxy(const std::vector<Backend>& backends);
  static std::unique_ptr<Balancer> nginx(const std::vector<Backend>& backends);
  // With what docs/operations.md adds for a cache.
  static std::unique_ptr<Balancer> caching_nginx(const std::vector<Backend>& backends);

  int port() const { return port_; }
  // "http://127.0.0.1:PORT" + path.
  std::string url(const std::string& path) const;
  std::string log() const { return read_file(folder_ / "log"); }

 private:
  Balancer();
  static std::unique_ptr<Balancer> nginx(const std::vector<Backend>& backends, bool is_caching);
  // `command` and behind it the name of a file that holds `config`.
  void start(std::vector<std::string> command, const std::string& config);

  int port_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

}  // namespace tailgate::test
