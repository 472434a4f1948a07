// The access log: one line for each exchange when it ends.
#pragma once

#include <atomic>
#include <cstdint>

#include "server/http/observer.h"

namespace tailgate {

// The path is logged without its query, which may carry a token. Threads: any.
class AccessLog final : public ExchangeObserver {
 public:
  void on_start(const Request& request, std::size_t loop_index) override;
  void on_end(const ExchangeSummary& summary, std::size_t loop_index) override;
};

}  // namespace tailgate
