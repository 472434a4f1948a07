// For tests: a plain blocking socket with deadlines, to send exactly the bytes that a test means.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "server/net/fd.h"

namespace tailgate::testing {

class TestSocket {
 public:
  // receive_buffer: 0 leaves the kernel's.
  explicit TestSocket(std::uint16_t port, int receive_buffer = 0)
      : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (receive_buffer > 0)
      (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int on = 1;
    (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  bool is_connected() const { return is_connected_; }
  int fd() const { return fd_.get(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { (void)::shutdown(fd_.get(), SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  void close() { fd_.reset(); }

  // What comes next, "" when that is the end (or, was_reset(), a reset), nothing when nothing came in time.
  std::optional<std::string> receive(std::chrono::milliseconds time = std::chrono::seconds{10},
                                     std::size_t bytes = 65536) {
    pollfd entry{fd_.get(), POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(time.count())) != 1) return std::nullopt;
    std::string buffer(bytes, '\0');
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    was_reset_ = got < 0 && errno == ECONNRESET;
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }
  bool was_reset() const { return was_reset_; }

  // Reads until the text has come (then up to and with it at least), the end, or the deadline.
  std::string receive_until(std::string_view text, std::chrono::milliseconds time = std::chrono::seconds{10}) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    std::string all;
    while (all.find(text) == std::string::npos) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) break;
      const auto more = receive(left);
      if (!more || more->empty()) break;
      all += *more;
    }
    return all;
  }
  // Reads to the end; nothing when that did not come in time.
  std::optional<std::string> receive_all(std::chrono::milliseconds time = std::chrono::seconds{10}) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    std::string all;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return std::nullopt;
      const auto more = receive(left);
      if (!more) return std::nullopt;
      if (more->empty()) return all;
      all += *more;
    }
  }

 private:
  Fd fd_;
  bool is_connected_ = false;
  bool was_reset_ = false;
};

}  // namespace tailgate::testing
