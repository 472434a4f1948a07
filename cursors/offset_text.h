// An offset as it stands in an id: its digits, or "-" where nothing has passed.
#pragma once

#include <array>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "cursors/position.h"

namespace tailgate {

class OffsetText {
 public:
  // Lives until the next call.
  std::string_view of(Offset passed) {
    if (passed == kNothingPassed) return "-";
    assert(passed >= 0);
    const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), passed).ptr;
    return {digits_.data(), static_cast<std::size_t>(end - digits_.data())};
  }

 private:
  std::array<char, 20> digits_;
};

}  // namespace tailgate
