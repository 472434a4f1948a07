#include "base/redis_single.h"

#include <utility>

#include "base/redis_failure.h"

namespace tailgate {

RedisSingle::RedisSingle(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls,
                         RedisCounters& counters, std::function<void(const std::string& line)> log)
    : RedisRunner{loop, options, counters},
      log_{std::move(log)},
      node_{loop,    options.servers.front(),
            options, {.user = options.user, .password = options.password, .db = options.db},
            tls,     *this,
            counters} {}

// A name may lead to another server by now: a failover behind a DNS name or a virtual address.
bool RedisSingle::on_refused(RedisNode& node, const Run&, RedisFailure failure, const std::string& error) {
  if (failure == RedisFailure::readonly || failure == RedisFailure::loading || failure == RedisFailure::auth) {
    node.reconnect(failure, error);
  }
  return false;
}

void RedisSingle::on_up(RedisNode&) {
  if (state_.exchange(RedisState::up, std::memory_order_relaxed) != RedisState::up) {
    log_("Redis at " + node_.address().text() + " is up");
  }
}

void RedisSingle::on_down(RedisNode&, RedisFailure failure, const std::string& why) {
  if (state_.exchange(RedisState::away, std::memory_order_relaxed) == RedisState::away) return;
  log_("Redis at " + node_.address().text() + " is away (" + std::string{name_of(failure)} + "): " + why);
}

}  // namespace tailgate
