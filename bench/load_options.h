// What the load client is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "streams/coding.h"

namespace tailgate::bench {

enum class LoadMode : std::uint8_t {
  subscribe,  // read everything for `seconds`; without a producer this is what idle streams cost
  replay,     // read until every stream has what it was to get, as fast as it comes
  stall,      // send the request, then never read
  slow,       // read `kb_per_second` on each connection
  poll,       // one long poll after the other
};

struct LoadOptions {
  LoadMode mode = LoadMode::subscribe;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path;
  std::string accept = "text/event-stream";
  std::optional<Coding> coding;  // asks for it, and reads it
  bool tls = false;
  std::uint32_t connections = 1;
  std::uint32_t streams = 0;  // of each connection, over HTTP/2; 0: HTTP/1.1
  std::uint32_t sources = 8;  // addresses 127.0.0.1, .2, … to connect from, in turn
  std::uint32_t in_flight = 256;
  double warmup = 2;
  double seconds = 10;
  std::uint64_t records = 0;         // replay: a stream is complete after so many,
  std::int64_t until_sequence = -1;  // or when it has seen this sequence
  double kb_per_second = 10;
  std::int64_t random_low = 0,
               random_high = 0;  // {n} in the path is a number of this range, another one for each stream
  std::vector<int> server_pids;
  double timeout = 120;
};

// Ends the process on --help and on what it does not understand.
LoadOptions parse_load_options(int argc, char** argv);

}  // namespace tailgate::bench
