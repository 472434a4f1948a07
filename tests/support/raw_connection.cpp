#include "tests/support/raw_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tailgate::test {
namespace {

sockaddr_in loopback(int port, int last = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + static_cast<std::uint32_t>(last));
  return address;
}

bool wait_for(int fd, short events, Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd one{fd, events, 0};
  return poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) > 0;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

HttpResponse parse_head(const std::string& head) {
  HttpResponse response;
  const auto status_at = head.find(' ');
  response.status = std::stoi(head.substr(status_at + 1, 3));
  for (auto at = head.find("\r\n") + 2; at < head.size();) {
    const auto end = head.find("\r\n", at);
    const auto colon = head.find(':', at);
    if (colon != std::string::npos && colon < end) {
      auto& value = response.headers[lower(head.substr(at, colon - at))];
      const auto start = head.find_first_not_of(' ', colon + 1);
      value += (value.empty() ? "" : ", ") + head.substr(start, end - start);
    }
    at = end + 2;
  }
  return response;
}

}  // namespace

RawConnection::RawConnection(int port, Options options) : fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  if (options.receive_buffer > 0)
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.from != 1) {
    const auto source = loopback(0, options.from);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
      throw std::runtime_error("no such address of this machine");
    }
  }
  const auto address = loopback(port);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string reason = std::strerror(errno);
    close(fd_);
    throw std::runtime_error("connect to port " + std::to_string(port) + ": " + reason);
  }
}

RawConnection::RawConnection(const std::string& unix_path) : fd_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string reason = std::strerror(errno);
    close(fd_);
    throw std::runtime_error("connect to " + unix_path + ": " + reason);
  }
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

bool RawConnection::is_open(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  const bool open = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return open;
}

bool RawConnection::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd_, POLLOUT, deadline)) throw std::runtime_error("the peer takes no bytes");
    } else {
      return false;
    }
  }
  return true;
}

bool RawConnection::fill(Deadline deadline) {
  if (is_at_end_ || !wait_for(fd_, POLLIN, deadline)) return false;
  std::array<char, 65'536> bytes;
  const auto count = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count <= 0) {
    is_at_end_ = count == 0 || errno != EAGAIN;
    return !is_at_end_;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawConnection::read_some(Deadline deadline) {
  if (buffer_.empty()) static_cast<void>(fill(deadline));
  return std::exchange(buffer_, {});
}

std::string RawConnection::read_until(std::string_view text, Deadline deadline) {
  for (std::size_t searched = 0;;) {
    const auto at = buffer_.find(text, searched);
    if (at != std::string::npos) return read_exactly(at + text.size(), deadline);
    searched = buffer_.size() > text.size() ? buffer_.size() - text.size() : 0;
    if (!fill(deadline)) throw std::runtime_error("'" + std::string{text} + "' did not come, but: " + buffer_);
  }
}

std::string RawConnection::read_exactly(std::size_t bytes, Deadline deadline) {
  while (buffer_.size() < bytes)
    if (!fill(deadline)) throw std::runtime_error(std::to_string(bytes) + " bytes did not come, but: " + buffer_);
  auto result = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return result;
}

std::string RawConnection::read_to_end(Deadline deadline) {
  while (fill(deadline)) {
  }
  if (!is_at_end_) throw std::runtime_error("the connection did not end after: " + buffer_);
  return std::exchange(buffer_, {});
}

HttpResponse RawConnection::read_head(Deadline deadline) { return parse_head(read_until("\r\n\r\n", deadline)); }

HttpResponse RawConnection::read_response(Deadline deadline, bool to_head) {
  auto response = read_head(deadline);
  const auto& headers = response.headers;
  if (to_head || response.status == 204 || response.status == 304) return response;
  if (const auto length = headers.find("content-length"); length != headers.end()) {
    response.body = read_exactly(std::stoul(length->second), deadline);
  } else if (headers.contains("transfer-encoding")) {
    for (auto chunk = read_chunk(deadline); !chunk.empty(); chunk = read_chunk(deadline)) response.body += chunk;
  } else {
    response.body = read_to_end(deadline);
  }
  return response;
}

std::string RawConnection::read_chunk(Deadline deadline) {
  const auto size = std::stoul(read_until("\r\n", deadline), nullptr, 16);
  auto chunk = read_exactly(size, deadline);
  if (read_exactly(2, deadline) != "\r\n") throw std::runtime_error("a chunk without its end");
  return chunk;
}

bool RawConnection::is_closed_by_peer(Deadline deadline) {
  while (fill(deadline)) buffer_.clear();
  return is_at_end_;
}

void RawConnection::shut_down_writing() { shutdown(fd_, SHUT_WR); }

void RawConnection::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd_);
  fd_ = -1;
  is_at_end_ = true;
}

}  // namespace tailgate::test
