#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tailgate {
namespace {

// The length of the well-formed sequence at the start of `text`, which begins beyond ASCII; 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto is_tail = [&](std::size_t i, unsigned lowest = 0x80, unsigned highest = 0xBF) {
    return i < text.size() && byte(i) >= lowest && byte(i) <= highest;
  };
  const unsigned lead = byte(0);
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return is_tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    const bool is_ok = is_tail(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && is_tail(2);
    return is_ok ? 3 : 0;
  }
  if (lead > 0xF4) return 0;
  const bool is_ok = is_tail(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && is_tail(2) && is_tail(3);
  return is_ok ? 4 : 0;
}

}  // namespace

bool is_utf8_text(std::string_view bytes) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::size_t i = 0;
  while (i < bytes.size()) {
    while (i + 8 <= bytes.size()) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      // Where all eight are ASCII, taking one from each sets a high bit only if one of them is NUL.
      if (((word | (word - kOnes)) & kHighBits) != 0) break;
      i += 8;
    }
    // One character of what stopped the words, or of the last seven bytes.
    if (i == bytes.size()) break;
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == 0) return false;
    const std::size_t size = c < 0x80 ? 1 : utf8_sequence(bytes.substr(i));
    if (size == 0) return false;
    i += size;
  }
  return true;
}

bool is_plain_line(std::string_view bytes) {
  using Block = signed char __attribute__((vector_size(16)));
  constexpr signed char kLowest = 0x0E;  // that is plain; as signed numbers, those above ASCII are below it as well
  const auto look = [bytes](std::size_t at) {
    Block block;
    std::memcpy(&block, bytes.data() + at, sizeof block);
    return block < kLowest;
  };
  if (bytes.size() < sizeof(Block)) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<signed char>(c) >= kLowest; });
  }
  auto found = look(bytes.size() - sizeof(Block));
  for (std::size_t at = 0; at + sizeof(Block) <= bytes.size(); at += sizeof(Block)) found |= look(at);
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), &found, sizeof found);
  return (halves[0] | halves[1]) == 0;
}

}  // namespace tailgate
