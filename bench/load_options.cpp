#include "bench/load_options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

namespace tailgate::bench {

LoadOptions parse_load_options(int argc, char** argv) {
  LoadOptions options;
  CLI::App app{"Puts load on a streaming server and prints what came back as one line of JSON"};
  const std::map<std::string, LoadMode> modes{{"subscribe", LoadMode::subscribe},
                                              {"replay", LoadMode::replay},
                                              {"stall", LoadMode::stall},
                                              {"slow", LoadMode::slow},
                                              {"poll", LoadMode::poll}};
  app.add_option("--mode", options.mode, "subscribe, replay, stall, slow or poll")
      ->transform(CLI::CheckedTransformer(modes));
  app.add_option("--host", options.host, "IPv4 address");
  app.add_option("--port", options.port)->required();
  app.add_option("--path", options.path, "{n} in it becomes a number of --random, {i} the stream's own, from 0")
      ->required();
  app.add_option("--accept", options.accept);
  const std::map<std::string, Coding> codings{{"gzip", Coding::gzip}, {"zstd", Coding::zstd}};
  app.add_option("--coding", options.coding, "Accept-Encoding: gzip or zstd, and every stream must be compressed")
      ->transform(CLI::CheckedTransformer(codings));
  app.add_flag("--tls", options.tls, "TLS without checking the certificate");
  app.add_option("--connections", options.connections);
  app.add_option("--streams", options.streams, "streams a connection over HTTP/2; 0 is HTTP/1.1");
  app.add_option("--sources", options.sources, "number of source addresses")->check(CLI::Range(1, 250));
  app.add_option("--in-flight", options.in_flight, "connections being opened at a time");
  app.add_option("--warmup", options.warmup, "seconds between the last open stream and the first one measured");
  app.add_option("--seconds", options.seconds, "measured");
  app.add_option("--records", options.records, "replay: records a stream is to get");
  app.add_option("--until-sequence", options.until_sequence, "replay: the sequence number a stream is complete with");
  app.add_option("--kb-per-second", options.kb_per_second, "slow: what each connection reads");
  std::pair<std::int64_t, std::int64_t> random;
  app.add_option("--random", random, "LOW HIGH");
  app.add_option("--server-pid", options.server_pids, "processes whose CPU and memory are reported");
  app.add_option("--timeout", options.timeout, "seconds until it gives up on streams that do not open or complete");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  options.random_low = random.first;
  options.random_high = random.second;
  return options;
}

}  // namespace tailgate::bench
