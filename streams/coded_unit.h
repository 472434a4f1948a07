// A stretch of a feed's log, compressed once for all who stand there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "streams/coded_format.h"

namespace tailgate {

struct CodedUnit {
  std::uint32_t from;    // bytes of its chunk
  std::uint32_t to;      // at the end of an event, or within one that is larger than a unit
  std::uint64_t number;  // of the feed's units of its coding, in the order in which they were made; from 1
  bool is_restart;       // refers to nothing before it; else to units before it, back to the last restart
  CodedCheck::Part check;
  std::unique_ptr<char[]> bytes;
  std::size_t size;

  std::string_view view() const { return {bytes.get(), size}; }
};

}  // namespace tailgate
