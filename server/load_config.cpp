#include "server/load_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "base/nearest_name.h"
#include "base/redis_url.h"
#include "server/config_sources.h"
#include "server/net/listen_address.h"
#include "server/settings.h"
#include "streams/exposure.h"
#include "streams/kafka_handle.h"

namespace tailgate {
namespace {

// File descriptors that are no connections: listeners, Kafka, the loops, the log.
constexpr std::uint64_t kOtherFiles = 256;

Error bad_config(std::string detail) { return {ErrorCode::bad_config, std::move(detail)}; }

const Setting* find_setting(std::string_view name) {
  const auto all = settings();
  const auto it = std::find_if(all.begin(), all.end(), [name](const Setting& s) { return s.name == name; });
  return it == all.end() ? nullptr : &*it;
}

std::string did_you_mean(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Setting& setting : settings()) names.push_back(setting.name);
  return " (did you mean " + std::string{nearest_name(name, names)} + "?)";
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& texts) {
  std::vector<std::string> entries;
  for (std::string_view rest : texts) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      std::string_view entry = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (entry.starts_with(' ')) entry.remove_prefix(1);
      while (entry.ends_with(' ')) entry.remove_suffix(1);
      entries.emplace_back(entry);
    }
  }
  return entries;
}

// HOST[:PORT] separated by commas, each perhaps with the protocol of librdkafka in front.
bool is_bootstrap(const std::string& servers) {
  for (std::string_view server : split_at_commas({servers})) {
    if (const std::size_t scheme = server.find("://"); scheme != server.npos) {
      constexpr std::array<std::string_view, 4> kProtocols = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
      if (std::find(kProtocols.begin(), kProtocols.end(), server.substr(0, scheme)) == kProtocols.end()) return false;
      server.remove_prefix(scheme + 3);
    }
    const std::size_t host_end = server.starts_with('[') ? server.find(']') : 0;
    if (host_end == server.npos) return false;
    const std::size_t colon = server.find(':', host_end);
    if (server.empty() || colon == 0) return false;
    if (colon == server.npos) continue;
    const std::string_view port = server.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number == 0) return false;
  }
  return true;
}

// A secret's file, without the line end behind it.
std::optional<std::string> read_secret(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> part;
  do {
    file.read(part.data(), part.size());
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
  } while (file);
  if (!file.eof()) return std::nullopt;  // a directory can be opened, and not be read
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_{sources} { loaded_.config = default_config(sources.mode); }

  Result<LoadedConfig> load() {
    std::string file = sources_.file;
    if (file.empty()) file = find_variable(sources_.environment, "TAILGATE_CONFIG");
    if (!file.empty()) {
      const Result<std::vector<Given>> given = read_config_file(file);
      if (!given) return given.error();
      if (const Result<void> taken = take_all(*given, /*must_be_known=*/true); !taken) return taken.error();
    }
    // Other things than ours may lie in the environment.
    const std::vector<Given> variables = read_environment(sources_.environment);
    if (const Result<void> taken = take_all(variables, /*must_be_known=*/false); !taken) return taken.error();
    if (const Result<void> taken = take_all(sources_.flags, /*must_be_known=*/true); !taken) return taken.error();
    for (const auto check : {&Loader::check_kafka, &Loader::check_listeners, &Loader::check_proxies,
                             &Loader::check_limits, &Loader::check_tls, &Loader::check_origins, &Loader::check_redis,
                             &Loader::check_sizes, &Loader::check_open_files}) {
      if (const Result<void> done = (this->*check)(); !done) return done.error();
    }
    return std::move(loaded_);
  }

 private:
  const Config& config() const { return loaded_.config; }
  Error wrong(std::string_view name, const std::string& what) const {
    return bad_config(loaded_.naming(name) + ": " + what);
  }

  Result<void> take_all(const std::vector<Given>& given, bool must_be_known) {
    for (const Given& one : given) {
      const bool is_librdkafka = one.name.starts_with(kLibrdkafka) && one.name.size() > kLibrdkafka.size() &&
                                 one.name[kLibrdkafka.size()] == '.';
      const Setting* setting = is_librdkafka ? nullptr : find_setting(one.name);
      if (is_librdkafka) {
        if (Result<void> taken = take_librdkafka(one); !taken) return taken;
      } else if (setting) {
        loaded_.sources[one.name] = one.source;
        const auto texts = setting->is_list ? split_at_commas(one.texts) : one.texts;
        if (!setting->take(loaded_.config, texts)) return wrong(one.name, "must be " + setting->takes);
      } else if (must_be_known) {
        return bad_config(one.name + " (" + one.source + "): unknown setting" + did_you_mean(one.name));
      } else {
        loaded_.warnings.push_back(one.source + " is not a setting" + did_you_mean(one.name));
      }
    }
    return {};
  }

  // NAME_file (NAME.file from the environment) takes the value of NAME from a file: passwords.
  Result<void> take_librdkafka(const Given& given) {
    const std::string where = given.name + " (" + given.source + "): ";
    std::string property = given.name.substr(kLibrdkafka.size() + 1);
    if (given.texts.size() != 1 || property.empty()) return bad_config(where + "must be NAME=VALUE");
    std::string value = given.texts[0];
    if (property.ends_with("_file") || property.ends_with(".file")) {
      property.resize(property.size() - 5);
      const std::optional<std::string> secret = read_secret(value);
      if (!secret) return bad_config(where + "must be the path of a file that can be read");
      value = *secret;
    }
    if (property == "sasl.mechanism") property += 's';  // two names of one property: of these, too, the later one wins
    if (is_fixed_kafka_property(property)) return bad_config(where + "is fixed by the design and cannot be set");
    if (const auto checked = check_kafka_property(property, value); !checked)
      return bad_config(where + checked.error().detail);
    loaded_.config.librdkafka[property] = std::move(value);
    loaded_.sources[std::string{kLibrdkafka} + '.' + property] = given.source;
    return {};
  }

  Result<void> check_kafka() {
    if (config().mode == Mode::demo) {
      for (const std::string_view name : {"kafka", "topics"}) {
        if (loaded_.sources.contains(name)) return wrong(name, "the demo has its own Kafka and topics; use serve");
      }
      return {};
    }
    if (config().kafka.empty())
      return bad_config("kafka: must be given: bootstrap servers, HOST:PORT separated by commas");
    if (!is_bootstrap(config().kafka)) {
      return wrong("kafka", "must be bootstrap servers, HOST:PORT separated by commas (or PROTOCOL://HOST:PORT)");
    }
    if (config().topics.empty()) {
      return bad_config("topics: must be given: names of topics to expose, or patterns such as public.* or *");
    }
    if (const auto exposure = Exposure::parse(config().topics); !exposure)
      return wrong("topics", exposure.error().detail);
    return {};
  }

  Result<void> check_listeners() {
    const bool has_certificate = !config().tls_cert.empty();
    std::set<std::string> taken;
    const auto is_taken = [&taken](const ListenAddress& address) {
      const bool is_fixed = address.is_unix() || address.port != 0;
      return is_fixed && !taken.insert(address.host + ':' + std::to_string(address.port) + address.unix_path).second;
    };
    for (const std::string& listener : config().listen) {
      const auto address = parse_listen_address(listener, has_certificate ? Scheme::https : Scheme::http);
      if (!address) return wrong("listen", address.error().detail);
      if (address->scheme == Scheme::https && !has_certificate)
        return wrong("listen", "https needs tls_cert and tls_key");
      if (is_taken(*address)) return wrong("listen", listener + " is given twice");
      has_proxy_header_ |= address->has_proxy_header;
    }
    const auto admin = parse_listen_address(config().admin);
    if (!admin) return wrong("admin", admin.error().detail);
    if (admin->scheme == Scheme::https || admin->has_proxy_header)
      return wrong("admin", "has neither TLS nor PROXY headers: HOST:PORT, and keep it private");
    if (is_taken(*admin)) return wrong("admin", config().admin + " is also a listener for clients (listen)");
    return {};
  }

  Result<void> check_proxies() {
    const auto trusted = Networks::parse(config().trusted_proxies);
    if (!trusted) return wrong("trusted_proxies", trusted.error().detail);
    const bool reads_header = config().forwarded_header != ForwardedHeader::none;
    if (reads_header && trusted->is_empty()) return wrong("forwarded_header", "needs trusted_proxies too");
    if (has_proxy_header_ && trusted->is_empty()) return wrong("listen", "?proxy=v1v2 needs trusted_proxies too");
    if (!trusted->is_empty() && !reads_header && !has_proxy_header_) {
      loaded_.warnings.push_back(loaded_.naming("trusted_proxies") +
                                 ": what they say of clients is not read, because forwarded_header is none and no "
                                 "listener has ?proxy=v1v2: all clients behind them share their address");
    }
    return {};
  }

  // Not wrong, but hardly meant where a balancer is in front.
  Result<void> check_limits() {
    std::string limits;
    for (const std::string_view name :
         {"limit_requests", "limit_streams", "limit_records", "limit_bytes", "connections_per_address"}) {
      if (find_setting(name)->show(config()) == find_setting(name)->show(Config{})) continue;
      limits.append(limits.empty() ? "" : ", ").append(name);
    }
    if (limits.empty() || !config().trusted_proxies.empty()) return {};
    loaded_.warnings.push_back(limits +
                               ": go by the address that connects, because trusted_proxies is empty; behind a balancer "
                               "all clients share one");
    return {};
  }

  Result<void> check_tls() {
    if (config().tls_cert.empty() != config().tls_key.empty()) {
      const bool is_cert = !config().tls_cert.empty();
      return wrong(is_cert ? "tls_cert" : "tls_key", is_cert ? "needs tls_key too" : "needs tls_cert too");
    }
    if (!config().tls_client_ca.empty() && config().tls_cert.empty())
      return wrong("tls_client_ca", "needs tls_cert too");
    for (const std::string_view name : {"tls_cert", "tls_key", "tls_client_ca"}) {
      const std::string path = find_setting(name)->show(config());
      if (!path.empty() && !std::ifstream{path}) return wrong(name, "must be the path of a file that can be read");
    }
    return {};
  }

  Result<void> check_origins() {
    const auto& origins = config().cors_origins;
    const bool is_any = std::find(origins.begin(), origins.end(), "*") != origins.end();
    if (is_any && origins.size() > 1) return wrong("cors_origins", "* stands alone: with it every origin is allowed");
    return {};
  }

  // What is wrong with a URL is said without repeating it: it may hold a password.
  Result<void> check_redis() {
    std::string_view name = "redis";
    if (!config().redis_file.empty()) {
      if (!config().redis.empty()) return wrong("redis_file", "is given beside redis: one of them is enough");
      const std::optional<std::string> url = read_secret(config().redis_file);
      if (!url || url->empty())
        return wrong("redis_file", "must be the path of a file that can be read, with a URL in it");
      loaded_.config.redis = *url;
      name = "redis_file";
    }
    bool is_tls = false;
    if (!config().redis.empty()) {
      const auto url = parse_redis_url(config().redis);
      if (!url) return wrong(name, url.error().detail);
      is_tls = url->is_tls;
    }
    if (config().redis_cert.empty() != config().redis_key.empty()) {
      const bool is_cert = !config().redis_cert.empty();
      return wrong(is_cert ? "redis_cert" : "redis_key", is_cert ? "needs redis_key too" : "needs redis_cert too");
    }
    for (const std::string_view file : {"redis_ca", "redis_cert", "redis_key"}) {
      const std::string path = find_setting(file)->show(config());
      if (path.empty()) continue;
      if (!is_tls) return wrong(file, "is for rediss://, and redis is none");
      if (!std::ifstream{path}) return wrong(file, "must be the path of a file that can be read");
    }
    if (config().redis_wait > 0 && config().redis.empty()) return wrong("redis_wait", "needs redis too");
    return {};
  }

  Result<void> check_sizes() {
    if (config().feed_bytes > config().feeds_bytes) return wrong("feed_bytes", "must not be above feeds_bytes");
    if (config().feed_bytes < 2 * config().max_event_bytes) {
      return wrong(loaded_.sources.contains("feed_bytes") ? "feed_bytes" : "max_event_bytes",
                   "feed_bytes must be at least twice max_event_bytes");
    }
    if (config().record_bytes < 8 * config().max_event_bytes) {
      return wrong(loaded_.sources.contains("record_bytes") ? "record_bytes" : "max_event_bytes",
                   "record_bytes must be at least eight times max_event_bytes");
    }
    return {};
  }

  // A default gives way to a low limit; what somebody asked for does not.
  Result<void> check_open_files() {
    const std::uint64_t files = sources_.open_files_max;
    if (files == 0 || config().max_connections + kOtherFiles <= files) return {};
    const std::uint64_t possible = files > 2 * kOtherFiles ? files - kOtherFiles : files / 2;
    const std::string why = "the limit of open files is " + std::to_string(files) + ", which leaves " +
                            std::to_string(possible) + " connections; raise it (ulimit -n, LimitNOFILE)";
    if (loaded_.sources.contains("max_connections")) return wrong("max_connections", why);
    loaded_.config.max_connections = static_cast<std::size_t>(possible);
    loaded_.warnings.push_back("max_connections is lowered: " + why);
    return {};
  }

  const ConfigSources& sources_;
  LoadedConfig loaded_;
  bool has_proxy_header_ = false;  // a listener
};

}  // namespace

std::string LoadedConfig::naming(std::string_view name) const {
  const auto source = sources.find(name);
  return std::string{name} + (source == sources.end() ? std::string{" (default)"} : " (" + source->second + ')');
}

Result<LoadedConfig> load_config(const ConfigSources& sources) { return Loader{sources}.load(); }

std::vector<std::string> changed_settings(const Config& before, const Config& after) {
  std::vector<std::string> names;
  for (const Setting& setting : settings()) {
    if (setting.show(before) != setting.show(after)) names.emplace_back(setting.name);
  }
  if (before.librdkafka != after.librdkafka) names.emplace_back(kLibrdkafka);
  return names;
}

}  // namespace tailgate
