// Whatever a chain of proxies says: the address is the peer's, or one that stands in the field; and what a trusted
// proxy has added behind what its client sent decides.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/http/client_address.h"

namespace tailgate {
namespace {

IpAddress ask(const std::string& value, ForwardedHeader header) {
  static const Networks kTrusted = Networks::parse({"10.0.0.0/8"}).value();
  Request request;
  request.headers = {{header == ForwardedHeader::forwarded ? "forwarded" : "x-forwarded-for", value}};
  return client_address(*IpAddress::parse("10.0.0.1"), request, ClientAddressRules{kTrusted, header});
}

void check(bool is_so) {
  if (!is_so) std::abort();
}

}  // namespace
}  // namespace tailgate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;
  const std::string input{reinterpret_cast<const char*>(data), size};
  const IpAddress peer = *IpAddress::parse("10.0.0.1");
  const IpAddress said = *IpAddress::parse("192.0.2.1");
  (void)ask(input, ForwardedHeader::forwarded);
  (void)ask(input, ForwardedHeader::x_forwarded_for);
  check(ask(input + ", 192.0.2.1", ForwardedHeader::x_forwarded_for) == said);
  const IpAddress behind = ask(input + ", for=192.0.2.1", ForwardedHeader::forwarded);
  check(behind == said || behind == peer);
  return 0;
}
