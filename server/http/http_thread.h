// What the connections of one io thread share.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/loop.h"
#include "base/loop_pass.h"
#include "server/http/counters.h"
#include "server/http/date_line.h"
#include "server/http/exchange.h"
#include "server/http/gather.h"
#include "server/http/h2_memory.h"
#include "server/http/observer.h"
#include "server/http/options.h"
#include "server/net/io_threads.h"

namespace tailgate {

// Threads: its loop's.
class HttpThread {
 public:
  HttpThread(Loop& loop_in, LoopLoad& load_in, const HttpOptions& options_in, Handler& handler_in,
             ExchangeObserver& observer_in)
      : loop{loop_in},
        load{load_in},
        options{options_in},
        handler{handler_in},
        observer{observer_in},
        bodies{options_in.bodies_bytes_max},
        pass{loop_in} {}

  std::int64_t now_ms() { return loop.timers().clock().steady_ms(); }
  std::string_view date_line() { return date.line(loop.timers().clock().wall_ms()); }
  // Unique in this process's life, short enough for a string without an allocation.
  std::string make_request_id();

  Loop& loop;
  LoopLoad& load;
  const HttpOptions& options;
  Handler& handler;
  ExchangeObserver& observer;
  HttpCounters counters;
  ByteBudget bodies;
  LoopPass pass;
  Gather gather;
  H2Memory h2_memory;
  // Sources whose bodies ended in the flush under way, which may still refer to their bytes; emptied after it.
  std::vector<std::unique_ptr<ByteSource>> spent;
  std::array<char, kReadBytes> read_buffer;
  DateLine date;

 private:
  std::uint64_t requests_ = 0;
};

}  // namespace tailgate
