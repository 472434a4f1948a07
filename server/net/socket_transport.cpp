#include "server/net/socket_transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace tailgate {
namespace {

IoResult failure_of(int error) {
  const bool is_blocked = error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
  return {is_blocked ? IoResult::State::blocked : IoResult::State::failed, 0};
}

}  // namespace

SocketTransport::SocketTransport(boost::asio::io_context& context, Fd fd, bool has_proxy_header)
    : fd_{fd.get()},
      proxy_header_{has_proxy_header ? std::make_unique<ProxyHeader>() : nullptr},
      readiness_{std::make_shared<Readiness>(context)} {
  boost::system::error_code error;
  readiness_->descriptor.assign(fd.get(), error);
  if (!error) (void)fd.release();  // the descriptor's from here on
}

std::unique_ptr<SocketTransport> SocketTransport::make(boost::asio::io_context& context, Fd fd, bool has_proxy_header) {
  std::unique_ptr<SocketTransport> transport{new SocketTransport{context, std::move(fd), has_proxy_header}};
  if (!transport->is_watched()) return nullptr;
  return transport;
}

SocketTransport::~SocketTransport() {
  readiness_->user = nullptr;
  boost::system::error_code ignored;  // the socket is gone either way
  readiness_->descriptor.close(ignored);
}

void SocketTransport::set_user(User& user) { readiness_->user = &user; }

// Looks at what has come and then takes what belongs to the header: what lies behind it is TLS's to read.
IoResult SocketTransport::handshake() {
  while (proxy_header_ && proxy_header_->state() == ProxyHeader::State::partial) {
    std::array<char, ProxyHeader::kV1BytesMax> bytes;
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_PEEK);
    if (got <= 0) {
      const IoResult result = got == 0 ? IoResult{IoResult::State::closed, 0} : failure_of(errno);
      if (result.state == IoResult::State::blocked) wait_readable();
      return result;
    }
    const std::size_t taken = proxy_header_->take({bytes.data(), static_cast<std::size_t>(got)});
    (void)::recv(fd_, bytes.data(), taken, MSG_DONTWAIT);  // they are there
    if (proxy_header_->state() == ProxyHeader::State::refused) return {IoResult::State::unannounced, 0};
  }
  return {IoResult::State::done, 0};
}

std::optional<IpAddress> SocketTransport::announced() const {
  return proxy_header_ ? proxy_header_->client() : std::nullopt;
}

IoResult SocketTransport::read(std::span<char> into) {
  const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  if (got > 0) return {IoResult::State::done, static_cast<std::size_t>(got)};
  if (got == 0) return {IoResult::State::closed, 0};
  return failure_of(errno);
}

IoResult SocketTransport::write(std::span<const iovec> from) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg only reads it
  message.msg_iovlen = from.size();
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return {IoResult::State::done, static_cast<std::size_t>(sent)};
  return failure_of(errno);
}

bool SocketTransport::is_drained() const {
  int unsent = 0;
  return ::ioctl(fd_, SIOCOUTQNSD, &unsent) == 0 && unsent == 0;  // tcp(7); sockets of other kinds do not know it
}

void SocketTransport::wait_readable() {
  if (std::exchange(readiness_->waits_readable, true)) return;
  readiness_->descriptor.async_wait(Descriptor::wait_read,
                                    [state = readiness_](const boost::system::error_code& error) {
                                      state->waits_readable = false;
                                      if (!error && state->user != nullptr) state->user->on_readable();
                                    });
}

void SocketTransport::notify_readable() {
  boost::asio::post(readiness_->descriptor.get_executor(), [state = readiness_] {
    if (state->user != nullptr) state->user->on_readable();
  });
}

void SocketTransport::wait_writable() {
  if (std::exchange(readiness_->waits_writable, true)) return;
  readiness_->descriptor.async_wait(Descriptor::wait_write,
                                    [state = readiness_](const boost::system::error_code& error) {
                                      state->waits_writable = false;
                                      if (!error && state->user != nullptr) state->user->on_writable();
                                    });
}

void SocketTransport::finish_writing() {
  // Fails only when the peer is gone already, which the next read tells.
  (void)::shutdown(fd_, SHUT_WR);
}

void SocketTransport::reset_on_close() {
  const linger now{1, 0};
  (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace tailgate
