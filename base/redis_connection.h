// One connection to a Redis: bytes out, replies in, over TCP, TLS or a Unix socket. It does not come back once closed.
#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/redis_url.h"
#include "base/redis_wire.h"

namespace tailgate {

// Threads: its loop's. Shared with the operations under way, which end after close() without a word.
class RedisConnection : public std::enable_shared_from_this<RedisConnection> {
 public:
  // Called from the loop, never within a call of this class; may close the connection.
  class User {
   public:
    virtual ~User() = default;
    virtual void on_open() = 0;
    virtual void on_reply(RedisReply reply) = 0;
    virtual void on_failure(RedisFailure failure, const std::string& why) = 0;  // closed by then
  };

  // Starts at once. `tls` may be null; it outlives the connection.
  static std::shared_ptr<RedisConnection> open(IoLoop& loop, const RedisAddress& address,
                                               boost::asio::ssl::context* tls, User& user);
  RedisConnection(IoLoop& loop, boost::asio::ssl::context* tls, User& user);

  // What is written in one turn of the loop goes out together. After on_open.
  void write(std::string_view bytes);
  // The user hears nothing more.
  void close();

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Endpoint = boost::asio::generic::stream_protocol::endpoint;

  void start(const RedisAddress& address);
  void connect(std::vector<Endpoint> endpoints);
  void shake_hands();
  void read();
  void read_replies();
  void flush();
  void fail(RedisFailure failure, const std::string& why);

  IoLoop& loop_;
  User* user_;  // null: closed
  std::string host_;
  std::vector<Endpoint> endpoints_;
  boost::asio::ip::tcp::resolver resolver_;
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
  RedisReplyReader reader_;
  std::array<char, 16'384> in_;
  std::string out_;      // waits for the write under way
  std::string writing_;  // is being written
  bool flush_is_posted_ = false;
};

}  // namespace tailgate
