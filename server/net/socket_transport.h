// A clear connection on a socket. Asio says when it is ready; the reads and writes are our own calls.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>

#include "server/net/fd.h"
#include "server/net/proxy_header.h"
#include "server/net/transport.h"

namespace tailgate {

// Costs about 600 bytes, the reactor's share included.
class SocketTransport : public Transport {
 public:
  // Null when the kernel will not watch another descriptor.
  // `has_proxy_header`: the handshake is to read one, before anything else.
  static std::unique_ptr<SocketTransport> make(boost::asio::io_context& context, Fd fd, bool has_proxy_header = false);
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
  SocketTransport(boost::asio::io_context& context, Fd fd, bool has_proxy_header);
  bool is_watched() const { return readiness_->descriptor.is_open(); }
  int fd() const { return fd_; }
  // Says on_readable soon, whatever the socket says.
  void notify_readable();

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  // Shared with the waits under way: one that has completed but not run yet cannot be cancelled any more, so it finds
  // here that its transport is gone.
  struct Readiness {
    explicit Readiness(boost::asio::io_context& context) : descriptor{context.get_executor()} {}
    Descriptor descriptor;
    User* user = nullptr;
    bool waits_readable = false;
    bool waits_writable = false;
  };

  int fd_;
  std::unique_ptr<ProxyHeader> proxy_header_;  // null: none is expected
  std::shared_ptr<Readiness> readiness_;
};

}  // namespace tailgate
