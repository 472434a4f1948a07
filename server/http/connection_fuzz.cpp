// Whole connections, HTTP/1.1 and HTTP/2, fed with arbitrary bytes in arbitrary pieces by a peer that reads as it
// likes.
//
// The first four bytes choose the pieces and the peer's reading; the rest is what it sends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "server/http/memory_connection.h"

namespace {

void require(bool is_true) {
  if (!is_true) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  constexpr std::size_t kControlBytes = 4;
  constexpr std::size_t kWrittenMax = 1 << 20;
  if (size < kControlBytes) return 0;
  std::minstd_rand random{static_cast<std::uint32_t>(data[0] | data[1] << 8U | data[2] << 16U)};
  const bool is_slow = (data[3] & 1U) != 0;
  const bool is_in_pieces = (data[3] & 2U) != 0;
  std::string_view input{reinterpret_cast<const char*>(data) + kControlBytes, size - kControlBytes};

  testing::MemoryConnection connection;
  if (is_slow) connection.peer.window = 0;
  while (!input.empty() && connection.is_open() && connection.peer.written.size() < kWrittenMax) {
    const std::size_t bytes = is_in_pieces ? 1 + random() % 40 : input.size();
    connection.peer.to_read += input.substr(0, bytes);
    connection.run(200);
    input.remove_prefix(std::min(bytes, input.size()));
    if (is_slow) connection.peer.window = random() % 3 == 0 ? random() % 5000 : 0;
    if (random() % 16 == 0) connection.advance(static_cast<std::int64_t>(random() % 3000));
  }
  // What is sent begins as one of the two protocols, whatever came.
  const std::string_view written = connection.peer.written;
  require(written.empty() || written.substr(0, 9) == std::string_view{"HTTP/1.1 "}.substr(0, written.size()) ||
          (written.size() < 9 || written[3] == 4));

  if ((data[3] & 4U) != 0) {
    // A peer that neither sends nor takes anything is given up in bounded time, unless it waits on a quiet stream.
    connection.peer.window = 0;
    for (int i = 0; i < 12 && connection.is_open(); ++i) connection.advance(10'000);
    const auto& handler = connection.handler;
    const bool is_quiet = handler.open_events > 0 || handler.open_later > 0 || handler.boards[0].open > 0;
    require(!connection.is_open() || is_quiet);
  }
  connection.peer.has_ended = true;
  connection.peer.to_read.clear();
  connection.peer.window = kWrittenMax;
  for (int i = 0; i < 12 && connection.is_open(); ++i) connection.advance(10'000);
  require(!connection.is_open());
  require(connection.handler.open_events == 0 && connection.handler.open_later == 0);
  require(connection.load.units() == 0);
  require(connection.thread.counters.open.get(OpenGauge::streams) == 0);
  return 0;
}
