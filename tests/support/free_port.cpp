#include "tests/support/free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>

namespace tailgate::test {
namespace {

constexpr int kFirst = 12'000;
constexpr int kLast = 32'000;

// An abstract Unix socket is a lock that the kernel drops with the process and that no file outlives.
bool reserve(int port) {
  const int lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (lock < 0) throw std::runtime_error("no socket for a port lock");
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const int length = std::snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "tailgate-test-port-%d", port);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length));
  if (bind(lock, reinterpret_cast<const sockaddr*>(&name), size) == 0) return true;  // held open on purpose
  close(lock);
  return false;
}

bool can_listen(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool is_free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return is_free;
}

}  // namespace

int free_port() {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> any_port{kFirst, kLast};
  for (int tries = 0; tries < 1'000; ++tries) {
    const int port = any_port(random);
    if (reserve(port) && can_listen(port)) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace tailgate::test
