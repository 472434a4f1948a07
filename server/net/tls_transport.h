// TLS on a socket: OpenSSL reads and writes the socket itself, without buffers of ours in between.
#pragma once

#include "server/net/socket_transport.h"
#include "server/net/tls_context.h"

namespace tailgate {

// Costs about 16 KB more than a clear one.
class TlsTransport final : public SocketTransport {
 public:
  // Null when the kernel will not watch another descriptor, or there is no memory for a session.
  static std::unique_ptr<TlsTransport> make(SocketEvents& events, Fd fd, const TlsContext& tls,
                                            bool has_proxy_header = false);

  IoResult handshake() override;
  IoResult read(std::span<char> into) override;
  // A record of at most 16 KiB a call to OpenSSL, as many as go.
  IoResult write(std::span<const iovec> from) override;
  void wait_readable() override;
  void wait_writable() override;
  void finish_writing() override;
  std::string_view protocol() const override;

 private:
  TlsTransport(SocketEvents& events, Fd fd, SslHandle ssl, bool has_proxy_header);
  friend struct SocketBio;  // what OpenSSL reads and writes by
  enum class Opening { nothing, handshake, clear_text };
  Opening look_at_opening();
  void refuse_clear_text();
  IoResult after(int result);

  SslHandle ssl_;
  bool has_begun_ = false;         // the first byte has been looked at
  bool is_broken_ = false;         // OpenSSL forbids another call
  bool read_wants_write_ = false;  // it has to answer the peer before it can read on (a key update)
  bool write_wants_read_ = false;
  bool retries_read_ = false;  // reading is to be tried again although the socket has nothing new
};

}  // namespace tailgate
