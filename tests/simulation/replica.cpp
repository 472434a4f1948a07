#include "tests/simulation/replica.h"

#include <string>
#include <utility>

namespace tailgate::simulation {

Replica::Replica(const Truth& truth, const Clock& clock, Random& random, const ReplicaOptions& options)
    : random_{random},
      history_bytes_{options.history.history_bytes},
      view_{truth, clock},
      own_{clock, options.io_threads},
      reports_{clock, [](ReportLevel, const std::string&) {}},
      catalog_{view_, random},
      live_{view_, random} {
  std::vector<Consumer*> consumers;
  for (std::size_t i = 0; i < options.history_consumers; ++i) {
    catch_up_.push_back(std::make_unique<FakeConsumer>(view_, random));
    consumers.push_back(catch_up_.back().get());
  }
  history_ = std::make_unique<PageHistory>(consumers, catalog_, own_, clock, reports_, options.history);
  tails_ = std::make_unique<TailReader>(live_, catalog_, *history_, own_, clock, reports_, options.tail);
  for (std::size_t i = 0; i < options.io_threads; ++i) {
    threads_.push_back(std::make_unique<IoThread>(clock, i, *tails_, *history_, catalog_, doubts_, options.feed));
  }
}

bool Replica::step_kafka() {
  switch (random_.below(6)) {
    case 0:
      return live_.fetch(1 + random_.below(8));
    case 1:
      return tails_->step();
    case 2:
      return random_.pick(catch_up_)->fetch(1 + random_.below(12));
    case 3:
      return history_->step();
    case 4:
      return catalog_.answer(random_.chance(0.05));
    default:
      return own_.run_one();
  }
}

void Replica::settle_kafka() {
  bool is_more = true;
  while (is_more) {
    is_more = own_.run_one();
    is_more = catalog_.answer(false) || is_more;
    is_more = live_.fetch(64) || is_more;
    is_more = tails_->step() || is_more;
    for (const auto& consumer : catch_up_) is_more = consumer->fetch(64) || is_more;
    is_more = history_->step() || is_more;
  }
}

void Replica::run_timers() {
  own_.timers().run_due();
  for (const auto& thread : threads_) thread->loop.timers().run_due();
}

}  // namespace tailgate::simulation
