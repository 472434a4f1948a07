#include "server/net/socket_transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace tailgate {
namespace {

bool is_blocked(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

IoResult failure_of(int error) {
  const bool is_blocked_now = is_blocked(error) || error == EINTR;
  return {is_blocked_now ? IoResult::State::blocked : IoResult::State::failed, 0};
}

}  // namespace

SocketTransport::SocketTransport(SocketEvents& events, Fd fd, bool has_proxy_header)
    : events_{events},
      fd_{std::move(fd)},
      proxy_header_{has_proxy_header ? std::make_unique<ProxyHeader>() : nullptr},
      is_watched_{events.add(fd_.get(), *this)} {}

std::unique_ptr<SocketTransport> SocketTransport::make(SocketEvents& events, Fd fd, bool has_proxy_header) {
  std::unique_ptr<SocketTransport> transport{new SocketTransport{events, std::move(fd), has_proxy_header}};
  if (!transport->is_watched()) return nullptr;
  return transport;
}

SocketTransport::~SocketTransport() { events_.remove(*this); }

void SocketTransport::set_user(User& user) { user_ = &user; }

// Looks at what has come and then takes what belongs to the header: what lies behind it is TLS's to read.
IoResult SocketTransport::handshake() {
  while (proxy_header_ && proxy_header_->state() == ProxyHeader::State::partial) {
    std::array<char, ProxyHeader::kV1BytesMax> bytes;
    const ssize_t got = receive(bytes, MSG_PEEK);
    if (got <= 0) {
      const IoResult result = got == 0 ? IoResult{IoResult::State::closed, 0} : failure_of(errno);
      if (result.state == IoResult::State::blocked) wait_readable();
      return result;
    }
    const std::size_t taken = proxy_header_->take({bytes.data(), static_cast<std::size_t>(got)});
    (void)receive(std::span{bytes}.first(taken));  // they are there
    if (proxy_header_->state() == ProxyHeader::State::refused) return {IoResult::State::unannounced, 0};
  }
  return {IoResult::State::done, 0};
}

std::optional<IpAddress> SocketTransport::announced() const {
  return proxy_header_ ? proxy_header_->client() : std::nullopt;
}

// Who gets less than there was room for has got all: whatever comes after it is told anew (epoll(7)). Only an end that
// was told already is not.
ssize_t SocketTransport::receive(std::span<char> into, int flags) {
  const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT | flags);
  const bool has_taken_all =
      got > 0 && (flags & MSG_PEEK) == 0 && static_cast<std::size_t>(got) < into.size() && !is_over_;
  if (has_taken_all || (got < 0 && is_blocked(errno))) may_have_input_ = false;
  return got;
}

ssize_t SocketTransport::send(std::span<const iovec> from) {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (from.size() == 1) return ::send(fd_.get(), from[0].iov_base, from[0].iov_len, kFlags);  // 0.1 us less
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg only reads it
  message.msg_iovlen = from.size();
  return ::sendmsg(fd_.get(), &message, kFlags);
}

IoResult SocketTransport::read(std::span<char> into) {
  const ssize_t got = receive(into);
  if (got > 0) return {IoResult::State::done, static_cast<std::size_t>(got)};
  if (got == 0) return {IoResult::State::closed, 0};
  return failure_of(errno);
}

IoResult SocketTransport::write(std::span<const iovec> from) {
  const ssize_t sent = send(from);
  if (sent >= 0) return {IoResult::State::done, static_cast<std::size_t>(sent)};
  return failure_of(errno);
}

bool SocketTransport::is_drained() const {
  int unsent = 0;
  return ::ioctl(fd_.get(), SIOCOUTQNSD, &unsent) == 0 && unsent == 0;  // tcp(7); sockets of other kinds do not know it
}

void SocketTransport::wait_readable() {
  waits_readable_ = true;
  if (may_have_input_) events_.run_soon(*this);
}

void SocketTransport::notify_readable() {
  waits_readable_ = true;
  events_.run_soon(*this);
}

void SocketTransport::wait_writable() {
  if (std::exchange(waits_writable_, true)) return;
  events_.watch_output(fd_.get(), *this);
}

void SocketTransport::on_input(bool is_over) {
  may_have_input_ = true;
  is_over_ = is_over_ || is_over;
  on_due();
}

void SocketTransport::on_due() {
  if (std::exchange(waits_readable_, false)) user_->on_readable();
}

void SocketTransport::on_output() {
  if (std::exchange(waits_writable_, false)) user_->on_writable();
}

void SocketTransport::finish_writing() {
  // Fails only when the peer is gone already, which the next read tells.
  (void)::shutdown(fd_.get(), SHUT_WR);
}

void SocketTransport::reset_on_close() {
  const linger now{1, 0};
  (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace tailgate
