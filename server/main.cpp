#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/out_of_memory.h"
#include "base/redis.h"
#include "server/app.h"
#include "server/app_options.h"
#include "server/command_line.h"
#include "server/load_config.h"
#include "server/net/listen_address.h"
#include "server/net/tls_context.h"
#include "server/settings_text.h"

namespace tailgate {

namespace {

constexpr int kExitBadConfig = 2;  // also what a start ends with that a setting is the cause of

int fail(const Error& error) {
  std::fprintf(stderr, "tailgate: %s\n", error.detail.c_str());
  return error.code == ErrorCode::bad_config || error.code == ErrorCode::bad_request ? kExitBadConfig : 1;
}

int print(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0; }

// As many file descriptors as the system lets this process have.
std::uint64_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur;
}

ConfigSources sources_of(const CommandLine& command_line) {
  ConfigSources sources;
  sources.mode = command_line.command == Command::demo ? Mode::demo : Mode::serve;
  sources.file = command_line.config_file;
  for (char** variable = environ; *variable != nullptr; ++variable) sources.environment.emplace_back(*variable);
  sources.flags = command_line.flags;
  sources.open_files_max = raise_open_files();
  return sources;
}

// SIGHUP: what a running server can take over besides its certificates is the level of the log; the rest needs a start.
void name_changes(const ConfigSources& sources, const Config& running) {
  const auto loaded = load_config(sources);
  if (!loaded) return spdlog::error("the configuration stays as it is: {}", loaded.error().detail);
  Logging::set_level(loaded->config.log_level);
  for (const std::string& name : changed_settings(running, loaded->config)) {
    if (name != "log_level") spdlog::warn("{} has changed: it takes a restart", name);
  }
}

// Not wrong: behind a balancer that nobody was told of all clients would share one limit. But hardly meant for long.
std::string note_of_limits(const Config& config) {
  const bool is_limited = config.limit_requests.per_second > 0 || config.limit_streams > 0 ||
                          config.limit_records > 0 || config.limit_bytes > 0;
  if (config.mode == Mode::demo || is_limited) return "";
  return "callers are not limited: limit_requests, limit_streams, limit_records and limit_bytes are 0";
}

// What the settings do not show: whether the files that they name are what they should be.
Result<void> check_files(const AppOptions& options) {
  const bool has_tls = std::any_of(options.listen.begin(), options.listen.end(),
                                   [](const ListenAddress& address) { return address.scheme == Scheme::https; });
  if (has_tls) {
    if (const auto tls = TlsContext::load(options.tls); !tls) return tls.error();
  }
  if (options.redis) {
    if (const auto redis = RedisSetup::load(*options.redis); !redis) return redis.error();
  }
  return {};
}

int serve(const CommandLine& command_line) {
  std::signal(SIGHUP, SIG_IGN);  // until the server listens to it: what it would have read is read now
  const ConfigSources sources = sources_of(command_line);
  const auto loaded = load_config(sources);
  if (!loaded) return fail(loaded.error());
  const auto options = app_options(loaded->config);
  if (!options) return fail(options.error());
  if (command_line.command == Command::check) {
    if (const auto files = check_files(*options); !files) return fail(files.error());
    std::string said;
    for (const std::string& warning : loaded->warnings) said += warning + '\n';
    if (const auto note = note_of_limits(loaded->config); !note.empty()) said += note + '\n';
    return print(said + "the configuration is good\n");
  }
  const Logging logging{loaded->config.log_level, loaded->config.log_format};
  for (const std::string& warning : loaded->warnings) spdlog::warn("{}", warning);
  if (const auto note = note_of_limits(loaded->config); !note.empty()) spdlog::info("{}", note);
  const auto ran = run_app(*options, [&] { name_changes(sources, loaded->config); });
  return ran ? 0 : fail(ran.error());
}

int run(int argc, char** argv) {
  const auto command_line = parse_command_line(argc, argv);
  if (!command_line) return fail(command_line.error());
  switch (command_line->command) {
    case Command::help:
      return print(help_text());
    case Command::version:
      return print("tailgate " TAILGATE_VERSION "\n");
    case Command::help_markdown:
      return print(settings_markdown());
    case Command::serve:
    case Command::demo:
    case Command::check:
      return serve(*command_line);
  }
  return 1;
}

}  // namespace

}  // namespace tailgate

// Read by jemalloc, which has a thread of its own give back what a crowd of clients leaves behind.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,max_background_threads:1";
}

int main(int argc, char** argv) {
  tailgate::end_when_out_of_memory();
  return tailgate::run(argc, argv);
}
