// The binary itself, started as an operator would, on free ports.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

struct TailgateOptions {
  std::string command = "serve";
  std::string kafka = {};  // bootstrap servers; empty: the flag is not given
  std::string topics = "*";
  std::string drain_delay = "0s";
  std::vector<std::string> flags = {};  // behind those that this class gives
  std::map<std::string, std::string> environment = {};
  std::string host = "127.0.0.1";
  // In front of the command: what starts it elsewhere.
  std::vector<std::string> starter = {};
  // With it there is a second listener, https, for "localhost".
  CertificateAuthority* authority = nullptr;
  // Off: the constructor returns at once, for starts that are meant to fail.
  bool wait_until_ready = true;
};

class TailgateProcess {
 public:
  explicit TailgateProcess(TailgateOptions options);

  int port() const { return port_; }
  int tls_port() const { return tls_port_; }
  int admin_port() const { return admin_port_; }
  // "http://HOST:PORT" + path.
  std::string url(const std::string& path) const;
  // "https://localhost:PORT" + path.
  std::string tls_url(const std::string& path) const;
  std::string admin_url(const std::string& path) const;

  // What /readyz says now; false also when nobody answers.
  bool is_ready() const;
  // The value of one sample line of /metrics, its labels as they stand there. Empty when there is no such line.
  std::optional<double> metric(const std::string& name_and_labels) const;
  // Everything it has written to stderr and stdout since the first start.
  std::string log() const;
  pid_t pid() const { return process_->pid(); }
  std::optional<int> wait(Deadline deadline = in(kPatience)) { return process_->wait(deadline); }
  bool is_running() { return process_->is_running(); }

  void signal(int number) { process_->signal(number); }
  void kill_hard() { process_->kill_hard(); }
  // SIGTERM; what it ended with. Empty when it did not end.
  std::optional<int> stop(Deadline deadline = in(kPatience));
  // With the same flags on the same ports; kills it first when it still runs.
  void restart();

 private:
  void launch();

  TailgateOptions options_;
  int port_;
  int admin_port_;
  int tls_port_ = 0;
  CertificateAuthority::Files certificate_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
};

}  // namespace tailgate::test
