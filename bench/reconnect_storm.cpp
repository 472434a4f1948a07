// What happens when a million clients come back at once: bench/storm.h with the figures of docs/scale.md, or with
// others.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "bench/storm.h"

namespace {

using namespace tailgate::bench;

void print(const StormOptions& options, const StormResult& result) {
  std::printf("seed %llu: %d replicas of %d threads, %d clients\n", static_cast<unsigned long long>(options.seed),
              options.replicas, options.threads, options.clients);
  std::printf("lost %llu streams, all back after %.2f s; silence p50 %.2f s, p99 %.2f s, longest %.2f s\n",
              static_cast<unsigned long long>(result.cut), result.all_back_s, result.silence_s.p50,
              result.silence_s.p99, result.silence_s.max);
  std::printf("connections %llu: refused %llu, unheard %llu, waited too long %llu; SYNs dropped %llu\n",
              static_cast<unsigned long long>(result.tries), static_cast<unsigned long long>(result.refused),
              static_cast<unsigned long long>(result.unheard), static_cast<unsigned long long>(result.left),
              static_cast<unsigned long long>(result.dropped));
  std::printf("most in one second: %.0f connects, %.0f at one replica; longest wait for a thread %.2f s\n",
              result.connects_peak, result.replica_peak, result.thread_wait_s);
  std::printf("CPU of connecting %.1f s; live delivery up to %.1f %% of a thread\n", result.connect_cpu_s,
              100 * result.live_share);
  std::printf("Kafka: %llu pages, %.0f in one second\n", static_cast<unsigned long long>(result.kafka_pages),
              result.kafka_pages_peak);
  std::printf("Redis: %llu scripts, %.0f in one second (%.0f commands); answered without it %llu, slots left %llu\n",
              static_cast<unsigned long long>(result.scripts), result.scripts_peak, result.commands_peak,
              static_cast<unsigned long long>(result.without_redis),
              static_cast<unsigned long long>(result.slots_left));
  std::printf("connections of a replica at the end: %d to %d\n", result.fewest_connections, result.most_connections);
}

}  // namespace

int main(int argc, char** argv) {
  StormOptions options;
  CLI::App app{"Simulates clients that come back at once"};
  app.add_option("--seed", options.seed);
  app.add_option("--replicas", options.replicas)->check(CLI::Range(1, 10'000));
  app.add_option("--threads", options.threads, "of a replica, each with a core")->check(CLI::Range(1, 256));
  app.add_option("--clients", options.clients)->check(CLI::Range(1, 10'000'000));
  const std::map<std::string, Disaster> disasters{
      {"killed", Disaster::killed}, {"balancer", Disaster::balancer}, {"rolling", Disaster::rolling}};
  app.add_option("--disaster", options.disaster, "killed, balancer or rolling")
      ->transform(CLI::CheckedTransformer(disasters));
  app.add_option("--lost", options.lost, "killed: so many replicas");
  app.add_option("--back", options.back_s, "seconds until what was lost is there again; killed: 0 is never");
  const std::map<std::string, Choice> choices{{"least", Choice::least_connections}, {"random", Choice::random}};
  app.add_option("--choice", options.choice, "of the balancer: least or random")
      ->transform(CLI::CheckedTransformer(choices));
  const auto between = [&app](const char* name, Between& range, const char* what) {
    app.add_option_function<std::pair<double, double>>(
        name,
        [&range](const std::pair<double, double>& given) {
          range = {given.first, given.second};
        },
        what);
  };
  between("--retry", options.retry, "FROM TO in ms: what a stream tells at its beginning");
  between("--drain-retry", options.drain_retry, "FROM TO in ms: at its end in a drain");
  between("--round-trip", options.round_trip, "FROM TO in ms");
  app.add_option("--events", options.events_per_second, "of the topic, a second");
  app.add_option("--bytes", options.record_bytes, "of a record");
  app.add_option("--partitions", options.partitions);
  app.add_option("--connect-us", options.connect_us, "of an io thread, a connection");
  app.add_option("--handshake-us", options.handshake_us, "of an io thread, a TLS handshake; 0: none");
  app.add_option("--accept-us", options.accept_us);
  app.add_option("--event-us", options.event_us, "of an io thread, an event to one client");
  app.add_option("--backlog", options.backlog);
  app.add_option("--patience", options.patience_s, "seconds that a connection may wait for its thread");
  app.add_option("--redis", options.redis, "servers that limits are kept in; 0: no limits");
  app.add_option("--script-us", options.script_us, "of a Redis server");
  CLI11_PARSE(app, argc, argv);
  if (options.lost > options.replicas) {
    std::fprintf(stderr, "reconnect_storm: there are not so many replicas to lose\n");
    return 2;
  }
  print(options, run_storm(options));
}
