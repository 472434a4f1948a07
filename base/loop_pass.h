// Who on an io thread has something to do (to send, to gather), and the pass that visits them.
//
// A pass is posted once, however many wake-ups come before it runs: what arrives meanwhile goes out in the same writes.
// A pass visits a bounded number and then lets the loop look at its sockets. Whoever comes during a pass waits for the
// next, which visits them in the order in which they came: under load everybody has its turn after the same time. Who
// was last of a pass that nobody came during is the first of the next, so that nobody is always last.
//
// Who could go on for long is behind the others: thousands that read what they have missed hold up nobody who has news.
#pragma once

#include <boost/intrusive/list.hpp>

#include "base/loop.h"

namespace tailgate {

// Threads: one.
class LoopPass {
 public:
  class Member : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // May destroy the member, and add any.
    virtual void on_turn() = 0;

   protected:
    ~Member() = default;
  };

  explicit LoopPass(Loop& loop) : loop_{loop} {}
  // Costs nothing when it is in already.
  void add(Member& member);
  // The same for who has had a turn and could go on, or was blocked: a few of these have a turn after each stretch of
  // the others, in the order in which they came.
  void add_behind(Member& member);

 private:
  using List = boost::intrusive::list<Member, boost::intrusive::constant_time_size<false>>;
  static constexpr int kMembersATurn = 256;
  static constexpr int kBehindATurn = 8;

  void post();
  void run();

  Loop& loop_;
  List now_;
  List next_;
  List behind_;
  bool is_posted_ = false;
  bool is_backward_ = false;  // the pass at hand, or the next: from the last who came to the first
};

}  // namespace tailgate
