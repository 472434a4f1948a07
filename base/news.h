// Something that many wait for: one word tells all of them.
#pragma once

#include <boost/intrusive/list.hpp>

namespace tailgate {

// Threads: one.
class News {
 public:
  // Does not wait any more when it is destroyed.
  class Waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // Once; who wants to hear of the next waits again. Cheap: it is one of many. May end and begin any waiting.
    virtual void on_news() = 0;

   protected:
    ~Waiter() = default;
  };

  // Waits from now on, for these news and no others.
  void add(Waiter& waiter) {
    waiter.unlink();
    waiters_.push_back(waiter);
  }
  void tell() {
    List told;
    told.swap(waiters_);
    while (!told.empty()) {
      Waiter& waiter = told.front();
      told.pop_front();
      if (!told.empty()) __builtin_prefetch(&told.front());
      waiter.on_news();
    }
  }

 private:
  using List = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;
  List waiters_;
};

}  // namespace tailgate
