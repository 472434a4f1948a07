// An owner for objects of C libraries, in the line that makes them.
#pragma once

#include <memory>

namespace tailgate {

template <auto give_back>
struct GiveBack {
  template <class T>
  void operator()(T* object) const noexcept {
    give_back(object);
  }
};

template <class T, auto give_back>
using CHandle = std::unique_ptr<T, GiveBack<give_back>>;

}  // namespace tailgate
