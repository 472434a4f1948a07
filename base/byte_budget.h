// A bound on the bytes that the things of one thread hold together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/counter.h"

namespace tailgate {

// Threads: its own; held_bytes any. Outlives its shares.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max) : bytes_max_{bytes_max} {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  std::uint64_t held_bytes() const { return held_.get(); }

  // What one thing holds, given back with it.
  class Share {
   public:
    Share() = default;  // of no budget: holds nothing
    explicit Share(ByteBudget& budget) : budget_{&budget} {}
    Share(Share&& from) noexcept : budget_{from.budget_}, bytes_{std::exchange(from.bytes_, 0)} {}
    Share& operator=(Share&& from) noexcept {
      std::swap(budget_, from.budget_);
      std::swap(bytes_, from.bytes_);
      return *this;
    }
    ~Share() { static_cast<void>(resize(0)); }

    explicit operator bool() const { return budget_ != nullptr; }

    // False: there is no room for so much, and the share is as it was. One that is alone may be as large as it likes.
    [[nodiscard]] bool resize(std::size_t bytes) {
      if (budget_ == nullptr) return bytes == 0;
      const std::uint64_t others = budget_->held_.get() - bytes_;
      if (bytes > bytes_ && others > 0 && others + bytes > budget_->bytes_max_) return false;
      budget_->held_.set(others + bytes);
      bytes_ = bytes;
      return true;
    }

   private:
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

 private:
  const std::size_t bytes_max_;
  Counter held_;
};

}  // namespace tailgate
