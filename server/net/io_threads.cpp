#include "server/net/io_threads.h"

#include <cassert>
#include <csignal>
#include <string>

#include "base/thread_name.h"

namespace tailgate {

IoThreads::IoThreads(const Clock& clock, std::size_t count) : loads_(count) {
  for (std::size_t i = 0; i < count; ++i) sockets_.emplace_back(loops_.emplace_back(clock, i).context());
}

IoThreads::~IoThreads() { stop(); }

std::size_t IoThreads::least_loaded() const {
  std::size_t best = 0;
  for (std::size_t i = 1; i < loads_.size(); ++i) {
    if (loads_[i].units() < loads_[best].units()) best = i;
  }
  return best;
}

void IoThreads::start(const std::string& name) {
  assert(threads_.empty());
  for (IoLoop& loop : loops_) {
    threads_.emplace_back([&loop, thread_name = name + "-" + std::to_string(loop.index())] {
      name_thread(thread_name);
      loop.run();
    });
  }
}

void IoThreads::stop() {
  for (IoLoop& loop : loops_) loop.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace tailgate
