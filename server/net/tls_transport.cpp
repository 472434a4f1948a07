#include "server/net/tls_transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tailgate {
namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;
constexpr char kHandshakeRecord = 0x16;
constexpr std::string_view kClearTextAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: application/problem+json\r\n"
    "Content-Length: 124\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Vary: Origin\r\n"
    "Connection: close\r\n\r\n"
    R"({"type":"urn:problem-type:tailgate:tls-needed","title":"Bad Request","status":400,"detail":"Use https.",)"
    R"("code":"tls_needed"})";

// What is next to be written: a piece as it lies there, or several copied together.
class RecordMaker {
 public:
  explicit RecordMaker(std::span<const iovec> from) : from_{from} {}

  std::string_view next() {
    std::size_t used = 0;
    std::size_t offset = offset_;
    for (std::size_t i = index_; i < from_.size() && used < kRecordBytes; ++i, offset = 0) {
      const char* const data = static_cast<const char*>(from_[i].iov_base) + offset;
      const std::size_t bytes = std::min(from_[i].iov_len - offset, kRecordBytes - used);
      const bool is_alone = used == 0 && (bytes == kRecordBytes || i + 1 == from_.size());
      if (is_alone) return {data, bytes};
      std::memcpy(record_.data() + used, data, bytes);
      used += bytes;
    }
    return {record_.data(), used};
  }

  void skip(std::size_t bytes) {
    offset_ += bytes;
    while (index_ < from_.size() && offset_ >= from_[index_].iov_len) offset_ -= from_[index_++].iov_len;
  }

 private:
  std::span<const iovec> from_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
  std::array<char, kRecordBytes> record_;
};

using BioMethod = CHandle<BIO_METHOD, BIO_meth_free>;

}  // namespace

// OpenSSL's own for sockets, but that it goes through SocketTransport, which has to know what was read, and that it
// does only what is asked of it here.
struct SocketBio {
  static TlsTransport& transport_of(BIO* bio) { return *static_cast<TlsTransport*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int bytes) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = transport_of(bio).receive({into, static_cast<std::size_t>(bytes)});
    if (got < 0 && is_to_be_retried(errno)) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* from, int bytes) {
    BIO_clear_retry_flags(bio);
    const iovec piece{const_cast<char*>(from), static_cast<std::size_t>(bytes)};  // only read
    const ssize_t sent = transport_of(bio).send({&piece, 1});
    if (sent < 0 && is_to_be_retried(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static bool is_to_be_retried(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

  static BioMethod make_method() {
    BioMethod method{BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket")};
    if (!method) return nullptr;
    BIO_meth_set_read(method.get(), read);
    BIO_meth_set_write(method.get(), write);
    BIO_meth_set_ctrl(method.get(), control);
    return method;
  }

  static BIO* make(TlsTransport& transport) {
    static const BioMethod method = make_method();
    BIO* const bio = method ? BIO_new(method.get()) : nullptr;
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, &transport);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsTransport::TlsTransport(SocketEvents& events, Fd fd, SslHandle ssl, bool has_proxy_header)
    : SocketTransport{events, std::move(fd), has_proxy_header}, ssl_{std::move(ssl)} {}

std::unique_ptr<TlsTransport> TlsTransport::make(SocketEvents& events, Fd fd, const TlsContext& tls,
                                                 bool has_proxy_header) {
  SslHandle ssl = tls.make_session();
  if (!ssl) return nullptr;
  std::unique_ptr<TlsTransport> transport{new TlsTransport{events, std::move(fd), std::move(ssl), has_proxy_header}};
  BIO* const bio = transport->is_watched() ? SocketBio::make(*transport) : nullptr;
  if (bio == nullptr) return nullptr;
  SSL_set_bio(transport->ssl_.get(), bio, bio);  // takes it
  SSL_set_accept_state(transport->ssl_.get());
  return transport;
}

// TLS starts with a handshake record. Whoever starts otherwise has mistaken the port, and would read noise.
// OpenSSL reads nothing before the first byte was looked at: it would take what comes just after the look, and what
// follows that would be taken for the first byte.
TlsTransport::Opening TlsTransport::look_at_opening() {
  if (has_begun_) return Opening::handshake;
  std::array<char, 1> first{};
  const ssize_t got = receive(first, MSG_PEEK);
  if (got < 0 && errno == EAGAIN) return Opening::nothing;
  has_begun_ = true;
  const bool is_clear_text = got == 1 && first[0] != kHandshakeRecord;  // an end is for OpenSSL to see
  return is_clear_text ? Opening::clear_text : Opening::handshake;
}

void TlsTransport::refuse_clear_text() {
  is_broken_ = true;
  // What was sent is read first: closing with it unread would reset the answer away. Neither has to succeed.
  std::array<char, 4096> sink;
  (void)receive(sink);
  const iovec answer{const_cast<char*>(kClearTextAnswer.data()), kClearTextAnswer.size()};  // only read
  (void)send({&answer, 1});
}

IoResult TlsTransport::after(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {IoResult::State::blocked, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoResult::State::closed, 0};
    default:
      is_broken_ = true;
      return {IoResult::State::failed, 0};
  }
}

IoResult TlsTransport::handshake() {
  if (const IoResult header = SocketTransport::handshake(); header.state != IoResult::State::done) return header;
  switch (look_at_opening()) {
    case Opening::nothing:
      SocketTransport::wait_readable();
      return {IoResult::State::blocked, 0};
    case Opening::clear_text:
      refuse_clear_text();
      return {IoResult::State::foreign, 0};
    case Opening::handshake:
      break;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return {IoResult::State::done, 0};
  const IoResult why = after(result);
  if (why.state != IoResult::State::blocked) return why;
  if (SSL_want_write(ssl_.get())) {
    SocketTransport::wait_writable();
  } else {
    SocketTransport::wait_readable();
  }
  return why;
}

IoResult TlsTransport::read(std::span<char> into) {
  if (is_broken_) return {IoResult::State::failed, 0};
  read_wants_write_ = false;
  ERR_clear_error();
  const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  if (got > 0) return {IoResult::State::done, static_cast<std::size_t>(got)};
  const IoResult why = after(got);
  if (why.state == IoResult::State::blocked) read_wants_write_ = SSL_want_write(ssl_.get());
  // Many clients close without the alert; nothing that we read is ended by it, so it cannot cut anything short.
  if (why.state == IoResult::State::failed && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return {IoResult::State::closed, 0};
  }
  return why;
}

IoResult TlsTransport::write(std::span<const iovec> from) {
  if (is_broken_) return {IoResult::State::failed, 0};
  write_wants_read_ = false;
  RecordMaker records{from};
  std::size_t written = 0;
  for (;;) {
    const std::string_view record = records.next();
    if (record.empty()) break;
    ERR_clear_error();
    const int put = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (put <= 0) {
      const IoResult why = after(put);
      if (why.state != IoResult::State::blocked) return why;
      write_wants_read_ = SSL_want_read(ssl_.get());
      break;
    }
    written += static_cast<std::size_t>(put);
    records.skip(static_cast<std::size_t>(put));
  }
  return {written > 0 ? IoResult::State::done : IoResult::State::blocked, written};
}

void TlsTransport::wait_readable() {
  if (read_wants_write_) {
    read_wants_write_ = false;
    retries_read_ = true;
    SocketTransport::wait_writable();
    return;
  }
  // Bytes that OpenSSL has taken from the socket already do not make it readable again.
  if (std::exchange(retries_read_, false) || SSL_pending(ssl_.get()) > 0) {
    notify_readable();
    return;
  }
  SocketTransport::wait_readable();
}

void TlsTransport::wait_writable() {
  if (write_wants_read_) {
    SocketTransport::wait_readable();
  } else {
    SocketTransport::wait_writable();
  }
}

void TlsTransport::finish_writing() {
  if (!is_broken_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());  // says goodbye if that goes at once; the peer has all of its answer either way
  }
  SocketTransport::finish_writing();
}

std::string_view TlsTransport::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace tailgate
