#include "server/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/decimal.h"

namespace tailgate {
namespace {

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::string_view kV2Start{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kV2HeadBytes = 16;

constexpr std::uint8_t kVersion2 = 0x20;
enum class Command : std::uint8_t { local = 0, proxy = 1 };
// Family and transport; datagrams do not come through a stream.
enum class Family : std::uint8_t { unspecified = 0x00, tcp4 = 0x11, tcp6 = 0x21, unix_stream = 0x31 };
constexpr std::uint8_t kTlvCrc32c = 0x03;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::size_t number_16(std::string_view bytes, std::size_t at) {
  return std::size_t{byte_at(bytes, at)} << 8 | byte_at(bytes, at + 1);
}

std::uint32_t crc32c(std::string_view bytes) {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, reflected
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return ~crc;
}

// Whether the TLVs from `at` on end where the header does; the checksum, where there is one, is over all of it with the
// checksum's own bytes as zeros.
bool are_good_tlvs(const std::string& header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < 3) return false;
    const std::size_t value = at + 3;
    const std::size_t bytes = number_16(header, at + 1);
    if (bytes > header.size() - value) return false;
    if (byte_at(header, at) == kTlvCrc32c) {
      if (bytes != 4) return false;
      const std::size_t said = number_16(header, value) << 16 | number_16(header, value + 2);
      std::string zeroed = header;
      zeroed.replace(value, 4, 4, '\0');
      if (crc32c(zeroed) != said) return false;
    }
    at = value + bytes;
  }
  return true;
}

bool is_port(std::string_view text) { return parse_decimal(text, 65'535) && (text == "0" || text[0] != '0'); }

std::vector<std::string_view> split_at_spaces(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t space = line.find(' '); space != line.npos; space = line.find(' ')) {
    words.push_back(line.substr(0, space));
    line.remove_prefix(space + 1);
  }
  words.push_back(line);
  return words;
}

}  // namespace

std::size_t ProxyHeader::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ == State::partial) {
    const std::size_t some = std::min(wanted(), bytes.size() - taken);
    kept_.append(bytes.substr(taken, some));
    taken += some;
    look();
  }
  if (state_ != State::partial) kept_ = {};
  return taken;
}

// As many bytes as there are in every header that begins like this.
std::size_t ProxyHeader::wanted() const {
  if (kept_.empty() || kept_[0] == kV1Start[0]) return 1;
  if (kept_.size() < kV2HeadBytes) return kV2HeadBytes - kept_.size();
  return kV2HeadBytes + number_16(kept_, 14) - kept_.size();
}

void ProxyHeader::look() {
  const std::string_view start = kept_[0] == kV1Start[0] ? kV1Start : kV2Start;
  const std::size_t compared = std::min(kept_.size(), start.size());
  if (kept_.compare(0, compared, start.substr(0, compared)) != 0) {
    state_ = State::refused;
  } else if (start == kV1Start) {
    look_v1();
  } else {
    look_v2();
  }
}

void ProxyHeader::look_v1() {
  if (!kept_.ends_with("\r\n")) {
    if (kept_.size() >= kV1BytesMax) state_ = State::refused;
    return;
  }
  state_ = State::refused;
  const std::vector<std::string_view> words = split_at_spaces(std::string_view{kept_}.substr(0, kept_.size() - 2));
  if (words.size() >= 2 && words[1] == "UNKNOWN") {
    state_ = State::complete;
    return;
  }
  if (words.size() != 6 || !is_port(words[4]) || !is_port(words[5])) return;
  const bool is_v4 = words[1] == "TCP4";
  if (!is_v4 && words[1] != "TCP6") return;
  // The family as it is written, for a mapped address is read as IPv4.
  for (const std::size_t i : {2U, 3U}) {
    if (!IpAddress::parse(words[i]) || (words[i].find(':') == words[i].npos) != is_v4) return;
  }
  client_ = IpAddress::parse(words[2]);
  state_ = State::complete;
}

void ProxyHeader::look_v2() {
  if (kept_.size() < kV2HeadBytes) return;
  const std::size_t bytes = kV2HeadBytes + number_16(kept_, 14);
  const auto command = static_cast<Command>(byte_at(kept_, 12) & 0x0f);
  const bool is_command = command == Command::local || command == Command::proxy;
  if ((byte_at(kept_, 12) & 0xf0) != kVersion2 || !is_command || bytes > kV2BytesMax) {
    state_ = State::refused;
    return;
  }
  if (kept_.size() < bytes) return;
  state_ = State::refused;
  std::size_t address_bytes = 0;
  switch (static_cast<Family>(byte_at(kept_, 13))) {
    case Family::unspecified:
      break;
    case Family::tcp4:
      address_bytes = 12;
      break;
    case Family::tcp6:
      address_bytes = 36;
      break;
    case Family::unix_stream:
      address_bytes = 216;
      break;
    default:
      return;
  }
  if (address_bytes > bytes - kV2HeadBytes) return;
  // What an unspecified family is followed by is not said, nor what a proxy puts behind its own greeting.
  const bool has_tlvs = address_bytes > 0 && command == Command::proxy;
  if (has_tlvs && !are_good_tlvs(kept_, kV2HeadBytes + address_bytes)) return;
  state_ = State::complete;
  if (command == Command::local) return;
  const auto* address = reinterpret_cast<const std::uint8_t*>(kept_.data()) + kV2HeadBytes;
  if (address_bytes == 12) client_ = IpAddress::of_v4(address);
  if (address_bytes == 36) client_ = IpAddress::of_v6(address);
}

}  // namespace tailgate
