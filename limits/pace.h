// How fast records and bytes may be sent to one caller, over all of its streams on all replicas. Nothing is ever
// dropped: who has had enough waits.
//
// Streams spend what they send from a balance that is leased from the store a tenth of a second's worth at a time. It
// may be overdrawn by what one write holds, and is paid back before anything else is sent.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/byte_source.h"
#include "base/loop.h"
#include "base/timers.h"
#include "limits/limit_counters.h"
#include "limits/limit_store.h"

namespace tailgate {

struct PaceRates {
  double records_per_second = 0;  // 0: any
  double bytes_per_second = 0;
  bool is_limited() const { return records_per_second > 0 || bytes_per_second > 0; }
};

// The callers of one io thread that have streams there. Threads: its loop's.
class Paces {
 public:
  Paces(LimitStore& store, Loop& loop, const PaceRates& rates, LimitCounters& counters);
  ~Paces();
  Paces(const Paces&) = delete;
  Paces& operator=(const Paces&) = delete;

  class Stream;
  // For one stream of the caller. The waker is woken when it may go on, and outlives it. Null: nothing is limited.
  std::unique_ptr<Stream> open(const std::string& caller, Waker& waker);

  std::size_t callers() const { return callers_.size(); }

 private:
  class Balance;
  struct Caller;

  void leave(Caller& caller);
  void on_repaid_due();

  LimitStore& store_;
  Loop& loop_;
  const PaceRates rates_;
  LimitCounters& counters_;
  std::unordered_map<std::string, std::unique_ptr<Caller>> callers_;
  // Callers without a stream that have been sent more than they were given: kept until that is paid back. Who polls
  // would begin with a clean sheet each time.
  std::set<std::string> debtors_;
  Timer repaid_timer_{*this, [](Paces& self) { self.on_repaid_due(); }};
};

class Paces::Stream final
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Stream(Paces& paces, Caller& caller, Waker& waker);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // How many bytes may go out now, of any number of records; 0: it is woken later.
  std::size_t room();
  void spend(std::uint64_t records, std::uint64_t bytes);

 private:
  friend struct Caller;
  Paces& paces_;
  Caller& caller_;
  Waker& waker_;
  bool has_spent_ = false;  // since it last waited
};

}  // namespace tailgate
