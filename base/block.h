// Memory for many bytes that are written once, from front to back.
#pragma once

#include <cstddef>
#include <memory>

namespace tailgate {

// Of a block of so many bytes.
struct FreeBlock {
  std::size_t bytes = 0;
  void operator()(char* block) const noexcept;
};
using Block = std::unique_ptr<char[], FreeBlock>;

// What the machines that this runs on call a huge page.
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Not zeroed: pages are touched when used. From kHugePageBytes on it begins where a huge page may, and its pages are
// there from the start: asking for them together costs a tenth less than a fault for each. A few blocks of just
// kHugePageBytes are kept when they are freed, for the next: who reads on for long frees one for each that it fills.
// Threads: any.
Block make_block(std::size_t bytes);

}  // namespace tailgate
