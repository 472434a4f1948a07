#include "server/net/socket_transport.h"

#include <sys/socket.h>

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

SocketTransport::SocketTransport(boost::asio::io_context& context, Fd fd)
    : fd_{fd.get()}, readiness_{std::make_shared<Readiness>(context)} {
  boost::system::error_code error;
  readiness_->descriptor.assign(fd.get(), error);
  if (!error) (void)fd.release();  // the descriptor's from here on
}

std::unique_ptr<SocketTransport> SocketTransport::make(boost::asio::io_context& context, Fd fd) {
  std::unique_ptr<SocketTransport> transport{new SocketTransport{context, std::move(fd)}};
  if (!transport->is_watched()) return nullptr;
  return transport;
}

SocketTransport::~SocketTransport() {
  readiness_->user = nullptr;
  boost::system::error_code ignored;  // the socket is gone either way
  readiness_->descriptor.close(ignored);
}

void SocketTransport::set_user(User& user) { readiness_->user = &user; }

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
