// One Redis server as a link knows it: a connection that is made again whenever it is lost, commands that wait for
// their replies in order, a deadline for each, and a breaker that refuses at once while the server fails.
//
// Bounds: queue_max commands without a reply. The breaker opens after kFailuresMax failures in a row; from then on only
// new connections are tried, later and later (kRetryMinMs … kRetryMaxMs, jittered), and one that has greeted closes it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <variant>

#include "base/jitter.h"
#include "base/loop.h"
#include "base/redis.h"
#include "base/redis_connection.h"
#include "base/redis_counters.h"
#include "base/redis_url.h"

namespace tailgate {

class RedisNode;

// Whom a node reports to.
class RedisNodeWatch {
 public:
  virtual ~RedisNodeWatch() = default;
  // Neither may destroy the node.
  virtual void on_up(RedisNode& node) = 0;
  // Each time that the connection is lost or cannot be made.
  virtual void on_down(RedisNode& node, RedisFailure failure, const std::string& why) = 0;
};

// What is said first on each connection: entering, and what the server has to be.
struct RedisGreeting {
  std::string user;
  std::string password;
  int db = 0;
  bool must_be_master = false;  // asked by ROLE
  bool is_sentinel = false;     // may have no password though the servers have one
};

class RedisNode final : private RedisConnection::User {
 public:
  // The reply as it came (it may be of Kind::error), or why there is none.
  using Outcome = std::variant<RedisReply, RedisFailure>;
  using Done = std::function<void(Outcome)>;
  using Instant = std::chrono::steady_clock::time_point;

  static constexpr int kFailuresMax = 5;
  static constexpr int kRetryMinMs = 50;
  static constexpr int kRetryMaxMs = 2'000;
  static constexpr std::chrono::milliseconds kIdlePing{1'000};

  // Connects at once. `options`, `tls` (may be null), `watch` outlive it.
  RedisNode(IoLoop& loop, RedisAddress address, const RedisOptions& options, RedisGreeting greeting,
            boost::asio::ssl::context* tls, RedisNodeWatch& watch, RedisCounters& counters);
  // What waits is never answered.
  ~RedisNode() override;
  RedisNode(const RedisNode&) = delete;
  RedisNode& operator=(const RedisNode&) = delete;

  const RedisAddress& address() const { return address_; }
  bool is_up() const { return stage_ == Stage::up; }
  bool is_breaker_open() const { return failures_ >= kFailuresMax; }

  // `wire`: one command. `done` runs at most once, maybe within this call (refused), and must not destroy the node.
  // What is sent in one turn goes over one connection, in order, or fails. A server that does not answer in time loses
  // its connection: replies have an order.
  void send(std::string wire, Instant deadline, Done done);
  // Gives the connection up and makes another: what the server said shows that it is not the right one.
  void reconnect(RedisFailure failure, const std::string& why);
  // The server is no longer the one to ask: what waits fails, and nothing more is to be sent.
  void abandon();

 private:
  enum class Stage : std::uint8_t { waiting, opening, greeting, up };
  struct Command {
    std::string wire;  // empty once it is sent
    Instant deadline;
    Done done;
  };

  void open();
  void on_open() override;
  void on_reply(RedisReply reply) override;
  void on_failure(RedisFailure failure, const std::string& why) override;
  void check_greeting(const RedisReply& reply);
  void come_up();
  void go_down(RedisFailure failure, const std::string& why);
  void count_failure();
  void clear_failures(int left);
  void refuse_unsent();
  void end_overdue(Instant now);
  // Of commands without a reply; max(): there are none.
  static Instant first_deadline(const std::deque<Command>& commands);
  void set_timer(Instant due);
  void on_timer(Instant now);
  void arm();

  IoLoop& loop_;
  const RedisAddress address_;
  const RedisOptions& options_;
  const RedisGreeting greeting_;
  boost::asio::ssl::context* const tls_;
  RedisNodeWatch& watch_;
  RedisCounters& counters_;
  Stage stage_ = Stage::waiting;
  std::shared_ptr<RedisConnection> connection_;  // null while waiting
  std::deque<std::string> greetings_;            // names of the commands of the greeting without a reply yet
  std::deque<Command> sent_;
  std::deque<Command> unsent_;
  int failures_ = 0;  // in a row
  int retry_ms_ = kRetryMinMs;
  Instant next_open_;   // while waiting
  Instant open_until_;  // while opening and greeting
  Instant last_reply_;  // while up
  Instant denied_;      // when the server last said that it cannot serve
  boost::asio::steady_timer timer_;
  Instant timer_due_ = Instant::max();
  std::shared_ptr<RedisNode*> self_;  // null within, once this is gone: a timer that is due already still calls
  Jitter jitter_{std::random_device{}()};
};

}  // namespace tailgate
