#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "base/decimal.h"

namespace tailgate {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned bits_of(const IpAddress& address) { return static_cast<unsigned>(address.bytes().size()) * 8; }

bool bit(std::string_view bytes, unsigned index) {
  return (static_cast<unsigned char>(bytes[index / 8]) >> (7 - index % 8) & 1) != 0;
}

}  // namespace

IpAddress IpAddress::of_v4(const std::uint8_t* address_4) {
  IpAddress address;
  address.family_ = Family::v4;
  std::copy_n(address_4, 4, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::of_v6(const std::uint8_t* address_16) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address_16)) return of_v4(address_16 + 12);
  IpAddress address;
  address.family_ = Family::v6;
  std::copy_n(address_16, 16, address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};  // with an end, which inet_pton wants
  if (text.size() >= copy.size() || text.find('\0') != text.npos) return std::nullopt;
  text.copy(copy.data(), text.size());
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, copy.data(), bytes.data()) == 1) return of_v4(bytes.data());
  if (::inet_pton(AF_INET6, copy.data(), bytes.data()) == 1) return of_v6(bytes.data());
  return std::nullopt;
}

std::string_view IpAddress::bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), is_none() ? 0U : is_v4() ? 4U : 16U};
}

std::string IpAddress::text() const {
  if (is_v4()) {  // of most clients, each time that they ask
    std::string text = std::to_string(bytes_[0]);
    for (std::size_t i = 1; i < 4; ++i) text.append(1, '.').append(std::to_string(bytes_[i]));
    return text;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_none() || ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size()) == nullptr) return "unix";
  return text.data();
}

Result<Networks> Networks::parse(const std::vector<std::string>& entries) {
  Networks networks;
  for (const std::string_view entry : entries) {
    if (entry == "unix") {
      networks.has_unix_ = true;
      continue;
    }
    const std::size_t slash = entry.find('/');
    const auto address = IpAddress::parse(entry.substr(0, slash));
    if (!address) return Error{ErrorCode::bad_config, "must be networks such as 10.0.0.0/8, addresses, or unix"};
    unsigned prefix = bits_of(*address);
    if (slash != entry.npos) {
      const auto bits = parse_decimal(entry.substr(slash + 1), bits_of(*address));
      if (!bits) return Error{ErrorCode::bad_config, "the prefix of a network is a number of bits: 10.0.0.0/8"};
      prefix = static_cast<unsigned>(*bits);
    }
    for (unsigned i = prefix; i < bits_of(*address); ++i) {
      if (bit(address->bytes(), i)) {
        return Error{ErrorCode::bad_config, "the address of a network has no bits behind its prefix: 10.0.0.0/8"};
      }
    }
    networks.networks_.push_back({*address, prefix});
  }
  return networks;
}

bool Networks::contains(const IpAddress& address) const {
  if (address.is_none()) return has_unix_;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    if (bits_of(network.address) != bits_of(address)) return false;
    for (unsigned i = 0; i < network.prefix; ++i) {
      if (bit(network.address.bytes(), i) != bit(address.bytes(), i)) return false;
    }
    return true;
  });
}

}  // namespace tailgate
