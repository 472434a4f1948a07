#include "tests/support/tailgate_process.h"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/http_client.h"
#include "tests/support/kafka_cluster.h"

namespace tailgate::test {

TailgateProcess::TailgateProcess(TailgateOptions options)
    : options_{std::move(options)}, port_{free_port()}, admin_port_{free_port()} {
  if (options_.authority != nullptr) {
    tls_port_ = free_port();
    certificate_ = options_.authority->issue("localhost");
  }
  launch();
}

void TailgateProcess::launch() {
  const auto host = options_.host + ":";
  auto listen = "http://" + host + std::to_string(port_);
  if (tls_port_ != 0) listen += ",https://" + host + std::to_string(tls_port_);
  auto command = options_.starter;
  command.insert(command.end(), {TAILGATE_BINARY, options_.command, "--listen", listen, "--admin",
                                 host + std::to_string(admin_port_)});
  if (tls_port_ != 0)
    command.insert(command.end(), {"--tls-cert", certificate_.certificate, "--tls-key", certificate_.key});
  command.insert(command.end(), {"--drain-delay", options_.drain_delay});
  if (!options_.kafka.empty()) {
    const auto flags = kafka_flags(options_.kafka);
    command.insert(command.end(), flags.begin(), flags.end());
    command.insert(command.end(), {"--topics", options_.topics});
  }
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  process_ = std::make_unique<Process>(command, folder_ / "log", options_.environment);
  if (!options_.wait_until_ready) return;
  if (!eventually([&] { return is_ready() || !process_->is_running(); }) || !process_->is_running())
    throw std::runtime_error("tailgate did not get ready:\n" + log());
}

std::string TailgateProcess::url(const std::string& path) const {
  return "http://" + options_.host + ":" + std::to_string(port_) + path;
}

std::string TailgateProcess::tls_url(const std::string& path) const {
  return "https://localhost:" + std::to_string(tls_port_) + path;
}

std::string TailgateProcess::admin_url(const std::string& path) const {
  return "http://" + options_.host + ":" + std::to_string(admin_port_) + path;
}

bool TailgateProcess::is_ready() const {
  HttpResponse answer;
  std::string reason;
  const auto deadline = in(kPatience);
  const StreamCallbacks callbacks{[&](const HttpResponse& head) { answer = head; },
                                  [](std::string_view) { return true; }, [&] { return Clock::now() > deadline; }};
  return stream({.url = admin_url("/readyz")}, callbacks, reason) && answer.status == 200;
}

std::optional<double> TailgateProcess::metric(const std::string& name_and_labels) const {
  std::istringstream lines{fetch({.url = admin_url("/metrics")}).body};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name_and_labels + " ")) return std::strtod(line.c_str() + name_and_labels.size(), nullptr);
  return std::nullopt;
}

std::string TailgateProcess::log() const { return read_file(folder_ / "log"); }

std::optional<int> TailgateProcess::stop(Deadline deadline) {
  process_->signal(SIGTERM);
  return process_->wait(deadline);
}

void TailgateProcess::restart() {
  process_->kill_hard();
  launch();
}

}  // namespace tailgate::test
