#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "server/app.h"

namespace {

tailgate::ListenAddress address(const std::string& text) {
  auto parsed = tailgate::parse_listen_address(text);
  if (!parsed) {
    std::fprintf(stderr, "%s\n", parsed.error().detail.c_str());
    std::exit(2);
  }
  return *parsed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"tailgate"};
  cli.set_version_flag("--version", "tailgate " TAILGATE_VERSION);
  tailgate::AppOptions options;
  std::vector<std::string> listen;
  std::string admin = "127.0.0.1:8081";
  double heartbeat_s = 15;
  double stall_s = 30;
  auto* demo = cli.add_subcommand("demo");
  auto* serve = cli.add_subcommand("serve");
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  for (auto* command : {demo, serve}) {
    command->add_option("--listen", listen)->delimiter(',');
    command->add_option("--admin", admin);
    command->add_option("--kafka", options.kafka.kafka.bootstrap);
    command->add_option("--topics", options.topics)->delimiter(',');
    command->add_option("--threads", options.threads);
  }
  static_cast<void>(heartbeat_s);
  static_cast<void>(stall_s);
  cli.require_subcommand(1);
  CLI11_PARSE(cli, argc, argv);
  options.is_demo = demo->parsed();
  options.has_console = options.is_demo;
  if (listen.empty()) listen.push_back(options.is_demo ? "127.0.0.1:8080" : "0.0.0.0:8080");
  for (const auto& text : listen) options.listen.push_back(address(text));
  options.admin = address(admin);
  if (auto ran = tailgate::run_app(options); !ran) {
    spdlog::error("{}", ran.error().detail);
    return 1;
  }
  return 0;
}
