// A clear connection on a socket.
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>

#include "server/net/fd.h"
#include "server/net/proxy_header.h"
#include "server/net/socket_events.h"
#include "server/net/transport.h"

namespace tailgate {

// Costs about 100 bytes.
class SocketTransport : public Transport, private SocketEvents::Watched {
 public:
  // Null when the kernel will not watch another descriptor.
  // `has_proxy_header`: the handshake is to read one, before anything else.
  static std::unique_ptr<SocketTransport> make(SocketEvents& events, Fd fd, bool has_proxy_header = false);
  ~SocketTransport() override;
  SocketTransport(const SocketTransport&) = delete;
  SocketTransport& operator=(const SocketTransport&) = delete;

  void set_user(User& user) override;
  IoResult handshake() override;
  std::optional<IpAddress> announced() const override;
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const iovec> from) override;
  bool is_drained() const override;
  void wait_readable() override;
  void wait_writable() override;
  void finish_writing() override;
  void reset_on_close() override;
  std::string_view protocol() const override { return {}; }

 protected:
  SocketTransport(SocketEvents& events, Fd fd, bool has_proxy_header);
  bool is_watched() const { return is_watched_; }
  // `recv` and `sendmsg` on the socket, never waiting. Nothing else may read from it.
  ssize_t receive(std::span<char> into, int flags = 0);
  ssize_t send(std::span<const iovec> from);
  // Says on_readable soon, whatever the socket says.
  void notify_readable();

 private:
  void on_input(bool is_over) override;
  void on_output() override;
  void on_due() override;

  SocketEvents& events_;
  const Fd fd_;
  std::unique_ptr<ProxyHeader> proxy_header_;  // null: none is expected
  User* user_ = nullptr;
  const bool is_watched_;
  bool may_have_input_ = false;  // told by the kernel, and not all of it read: it will not tell again
  bool is_over_ = false;         // an end or an error has come
  bool waits_readable_ = false;
  bool waits_writable_ = false;
};

}  // namespace tailgate
