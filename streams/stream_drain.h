// Ends the streams of one io thread one by one, evenly over a time, so that their clients do not all come back at once.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/timers.h"

namespace tailgate {

inline constexpr std::string_view kDraining = "drain";

// Threads: its io thread only. Costs 24 bytes a stream.
class StreamDrain {
 public:
  // A stream or a long poll. Leaves the drain when it is destroyed.
  class Member : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // To end at its next event boundary and tell its client to come back. At most once for each member.
    virtual void leave(std::string_view why) = 0;

   protected:
    // It has ended by itself.
    void quit() {
      if (is_linked()) unlink();
    }
    ~Member() = default;
  };

  explicit StreamDrain(Timers& timers) : timers_{timers}, timer_{*this, [](StreamDrain& self) { self.end_due(); }} {}

  void add(Member& member) { members_.push_back(member); }
  // The first member leaves now, the last one shortly before `spread_ms` have passed.
  void begin(std::int64_t spread_ms);
  // From then on no stream is to start.
  bool has_begun() const { return has_begun_; }

 private:
  void end_due();

  Timers& timers_;
  Timer timer_;
  boost::intrusive::list<Member, boost::intrusive::constant_time_size<false>> members_;
  std::int64_t begun_ms_ = 0;
  std::int64_t spread_ms_ = 0;
  std::size_t all_ = 0;   // when it began
  std::size_t told_ = 0;  // of these
  bool has_begun_ = false;
};

}  // namespace tailgate
