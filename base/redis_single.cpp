#include "base/redis_single.h"

#include <utility>

#include "base/redis_failure.h"

namespace tailgate {

RedisSingle::RedisSingle(IoLoop& loop, const RedisOptions& options, boost::asio::ssl::context* tls,
                         RedisCounters& counters, RedisLog log)
    : RedisRunner{loop, options, counters, std::move(log)},
      node_{loop,    options.servers.front(),
            options, {.user = options.user, .password = options.password, .db = options.db},
            tls,     *this,
            counters} {}

// A name may lead to another server by now: a failover behind a DNS name or a virtual address.
bool RedisSingle::on_refused(RedisNode& node, const Run&, RedisFailure failure, const std::string& error) {
  if (is_for_another_connection(failure)) {
    node.reconnect(failure, error);
  }
  return false;
}

}  // namespace tailgate
