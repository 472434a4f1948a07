// A header in any pieces is the same header, takes no byte behind it, and is bounded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/net/proxy_header.h"

namespace {

void check(bool is_so) {
  if (!is_so) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tailgate::ProxyHeader;
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 20;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  ProxyHeader whole;
  const std::size_t taken = whole.take(input);
  check(taken <= input.size() && taken <= ProxyHeader::kV2BytesMax);
  check(whole.state() != ProxyHeader::State::partial || taken == input.size());
  ProxyHeader pieces;
  std::size_t taken_in_pieces = 0;
  for (std::size_t at = 0; at < input.size() && pieces.state() == ProxyHeader::State::partial; at += piece) {
    taken_in_pieces += pieces.take(input.substr(at, piece));
  }
  check(pieces.state() == whole.state() && pieces.client() == whole.client());
  check(whole.state() == ProxyHeader::State::refused || taken_in_pieces == taken);
  check(whole.state() == ProxyHeader::State::complete || !whole.client());
  return 0;
}
