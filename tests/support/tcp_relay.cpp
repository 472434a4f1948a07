#include "tests/support/tcp_relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace tailgate::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

// False: one of the two has closed.
bool pass_some(int from, int to) {
  std::array<char, 65'536> bytes;
  const ssize_t got = recv(from, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  for (std::string_view left{bytes.data(), static_cast<std::size_t>(got)}; !left.empty();) {
    const ssize_t sent = send(to, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

TcpRelay::TcpRelay(int target_port)
    : target_port_{target_port},
      listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
      wake_{eventfd(0, EFD_CLOEXEC)} {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, raw, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error{"no relay"};
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

TcpRelay::~TcpRelay() {
  set(Order::end);
  thread_.join();
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.target);
  }
  close(listener_);
  close(wake_);
}

void TcpRelay::set(Order order) {
  order_ = order;
  eventfd_write(wake_, 1);
}

void TcpRelay::run() {
  while (order_ != Order::end) {
    std::vector<pollfd> watched{{wake_, POLLIN, 0}};
    if (order_ == Order::pass) {
      watched.push_back({listener_, POLLIN, 0});
      for (const Pair& pair : pairs_) {
        watched.push_back({pair.client, POLLIN, 0});
        watched.push_back({pair.target, POLLIN, 0});
      }
    }
    poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(wake_, &count);
      continue;
    }
    std::size_t at = 2;
    for (auto pair = pairs_.begin(); pair != pairs_.end(); at += 2) {
      const bool is_open = pass(*pair, watched[at].revents, watched[at + 1].revents);
      pair = is_open ? std::next(pair) : pairs_.erase(pair);
    }
    if (watched[1].revents != 0) accept_one();
  }
}

void TcpRelay::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(target_port_);
  if (connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    pairs_.push_back({client, target});
    return;
  }
  close(client);
  close(target);
}

bool TcpRelay::pass(const Pair& pair, short client_events, short target_events) {
  const bool is_open = (client_events == 0 || pass_some(pair.client, pair.target)) &&
                       (target_events == 0 || pass_some(pair.target, pair.client));
  if (is_open) return true;
  close(pair.client);
  close(pair.target);
  return false;
}

}  // namespace tailgate::test
