#include "base/redis.h"

#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/redis_cluster.h"
#include "base/redis_sentinel.h"
#include "base/redis_single.h"

namespace tailgate {

RedisScript::RedisScript(std::string text) : text_{std::move(text)}, sha_{sha1_hex(text_)} {}

struct RedisSetup::Parts {
  RedisOptions options;
  // Asio's streams take it as not const; nothing changes it once it is made.
  std::optional<boost::asio::ssl::context> tls;
};

namespace {

// What the server shows is verified against `ca_file` or what the system trusts, and its name by the connection.
Result<void> load_tls(const RedisOptions& options, boost::asio::ssl::context& tls) {
  using boost::asio::ssl::context;
  boost::system::error_code failure;
  const auto wrong = [&](const std::string& file) {
    return Error{ErrorCode::bad_config, file + ": " + failure.message()};
  };
  tls.set_options(context::default_workarounds | context::no_tlsv1 | context::no_tlsv1_1 | context::no_compression);
  tls.set_verify_mode(boost::asio::ssl::verify_peer);
  if (options.ca_file.empty()) {
    if (tls.set_default_verify_paths(failure); failure) return wrong("what the system trusts");
  } else if (tls.load_verify_file(options.ca_file, failure); failure) {
    return wrong(options.ca_file);
  }
  if (options.cert_file.empty()) return {};
  // OpenSSL would ask whoever has the terminal for the pass phrase of an encrypted key, and wait.
  tls.set_password_callback([](std::size_t, context::password_purpose) { return std::string{}; }, failure);
  if (tls.use_certificate_chain_file(options.cert_file, failure); failure) return wrong(options.cert_file);
  if (tls.use_private_key_file(options.key_file, context::pem, failure); failure) return wrong(options.key_file);
  return {};
}

}  // namespace

RedisSetup::RedisSetup(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
RedisSetup::~RedisSetup() = default;

Result<std::unique_ptr<const RedisSetup>> RedisSetup::load(RedisOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  if (parts->options.is_tls) {
    parts->tls.emplace(boost::asio::ssl::context::tls_client);
    if (Result<void> loaded = load_tls(parts->options, *parts->tls); !loaded) return loaded.error();
  }
  return std::unique_ptr<const RedisSetup>{new RedisSetup{std::move(parts)}};
}

std::unique_ptr<RedisLink> RedisSetup::open(IoLoop& loop, RedisCounters& counters, RedisLog log) const {
  boost::asio::ssl::context* const tls = parts_->tls ? &*parts_->tls : nullptr;
  const RedisOptions& options = parts_->options;
  switch (options.kind) {
    case RedisKind::cluster:
      return std::make_unique<RedisCluster>(loop, options, tls, counters, std::move(log));
    case RedisKind::sentinel:
      return std::make_unique<RedisSentinel>(loop, options, tls, counters, std::move(log));
    case RedisKind::single:
      break;
  }
  return std::make_unique<RedisSingle>(loop, options, tls, counters, std::move(log));
}

}  // namespace tailgate
