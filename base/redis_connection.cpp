#include "base/redis_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace tailgate {

namespace asio = boost::asio;
using Failure = boost::system::error_code;

std::shared_ptr<RedisConnection> RedisConnection::open(IoLoop& loop, const RedisAddress& address,
                                                       asio::ssl::context* tls, User& user) {
  auto connection = std::make_shared<RedisConnection>(loop, tls, user);
  connection->start(address);
  return connection;
}

RedisConnection::RedisConnection(IoLoop& loop, asio::ssl::context* tls, User& user)
    : loop_{loop}, user_{&user}, resolver_{loop.context()}, socket_{loop.context()} {
  if (tls != nullptr) tls_.emplace(socket_, *tls);
}

// Names are resolved on a thread of Asio's: the loop goes on meanwhile.
void RedisConnection::start(const RedisAddress& address) {
  host_ = address.host;
  if (address.is_socket()) return connect({asio::local::stream_protocol::endpoint{address.host}});
  Failure not_numeric;
  const auto numeric = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) return connect({asio::ip::tcp::endpoint{numeric, address.port}});
  resolver_.async_resolve(
      address.host, std::to_string(address.port),
      [self = shared_from_this()](const Failure& failure, const asio::ip::tcp::resolver::results_type& found) {
        if (self->user_ == nullptr) return;
        if (failure) return self->fail(RedisFailure::away, "the name is not resolved: " + failure.message());
        std::vector<Endpoint> endpoints;
        for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
        self->connect(std::move(endpoints));
      });
}

void RedisConnection::connect(std::vector<Endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  asio::async_connect(socket_, endpoints_, [self = shared_from_this()](const Failure& failure, const Endpoint&) {
    if (self->user_ == nullptr) return;
    if (failure) return self->fail(RedisFailure::away, failure.message());
    Failure ignored;  // a Unix socket has no such option
    self->socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    if (self->tls_) return self->shake_hands();
    self->read();
    self->user_->on_open();
  });
}

void RedisConnection::shake_hands() {
  Failure not_numeric;
  (void)asio::ip::make_address(host_, not_numeric);
  // An address is no name to ask for (RFC 6066, 3), but it is verified as one.
  if (not_numeric) (void)SSL_set_tlsext_host_name(tls_->native_handle(), host_.c_str());
  Failure failure;
  tls_->set_verify_callback(asio::ssl::host_name_verification{host_}, failure);
  if (failure) return fail(RedisFailure::away, failure.message());
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const Failure& broken) {
    if (self->user_ == nullptr) return;
    if (broken) return self->fail(RedisFailure::away, "TLS: " + broken.message());
    self->read();
    self->user_->on_open();
  });
}

void RedisConnection::read() {
  auto on_read = [self = shared_from_this()](const Failure& failure, std::size_t bytes) {
    if (self->user_ == nullptr) return;
    if (failure) return self->fail(RedisFailure::away, "the connection ended: " + failure.message());
    self->reader_.feed({self->in_.data(), bytes});
    self->read_replies();
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(in_), std::move(on_read));
  } else {
    socket_.async_read_some(asio::buffer(in_), std::move(on_read));
  }
}

void RedisConnection::read_replies() {
  for (;;) {
    auto reply = reader_.next();
    if (!reply) return fail(RedisFailure::protocol, reply.error().detail);
    if (!*reply) break;
    user_->on_reply(std::move(**reply));
    if (user_ == nullptr) return;
  }
  read();
}

void RedisConnection::write(std::string_view bytes) {
  out_ += bytes;
  if (!writing_.empty() || std::exchange(flush_is_posted_, true)) return;
  asio::post(loop_.context(), [self = shared_from_this()] {
    self->flush_is_posted_ = false;
    if (self->user_ != nullptr) self->flush();
  });
}

void RedisConnection::flush() {
  writing_.swap(out_);
  auto on_written = [self = shared_from_this()](const Failure& failure, std::size_t) {
    self->writing_.clear();
    if (self->user_ == nullptr) return;
    if (failure) return self->fail(RedisFailure::away, "the connection ended: " + failure.message());
    if (!self->out_.empty()) self->flush();
  };
  if (tls_) {
    asio::async_write(*tls_, asio::buffer(writing_), std::move(on_written));
  } else {
    asio::async_write(socket_, asio::buffer(writing_), std::move(on_written));
  }
}

void RedisConnection::fail(RedisFailure failure, const std::string& why) {
  User* const user = user_;
  close();
  user->on_failure(failure, why);
}

void RedisConnection::close() {
  user_ = nullptr;
  resolver_.cancel();
  Failure ignored;  // the socket is gone either way
  socket_.close(ignored);
}

}  // namespace tailgate
