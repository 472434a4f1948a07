// Numbers that a seed decides, the same on every machine.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace tailgate::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15U + 0x1234567} {}

  // splitmix64
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // In [0, n).
  std::size_t below(std::size_t n) {
    assert(n > 0);
    return static_cast<std::size_t>(next() % n);
  }
  // In [from, to].
  std::int64_t between(std::int64_t from, std::int64_t to) {
    assert(from <= to);
    return from + static_cast<std::int64_t>(below(static_cast<std::size_t>(to - from) + 1));
  }
  bool chance(double p) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < p; }
  template <class List>
  auto& pick(List& list) {
    return list[below(list.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tailgate::simulation
