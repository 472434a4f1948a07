// What history takes in memory, whoever holds it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace tailgate {

// Each thing counts from when it is made until the last who holds it lets go: reads under way, pages that are kept,
// pages on their way to a client or waiting there.
//
// Threads: any. What was made may outlive this.
class HistoryMemory {
 public:
  template <class T, class... Arguments>
  std::shared_ptr<T> make(std::size_t bytes, Arguments&&... arguments) {
    auto object = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    bytes_->fetch_add(bytes, std::memory_order_relaxed);
    return std::shared_ptr<T>{object.release(), Counted{bytes_, bytes}};
  }
  std::size_t bytes() const { return bytes_->load(std::memory_order_relaxed); }

 private:
  using Total = std::shared_ptr<std::atomic<std::size_t>>;
  struct Counted {
    Total total;
    std::size_t bytes;
    template <class T>
    void operator()(const T* object) const noexcept {
      delete object;
      total->fetch_sub(bytes, std::memory_order_relaxed);
    }
  };
  Total bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace tailgate
