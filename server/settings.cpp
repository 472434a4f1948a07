#include "server/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

#include "base/decimal.h"
#include "server/config_values.h"

namespace tailgate {
namespace {

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kGiB = 1024 * kMiB;

struct About {
  std::string_view name;
  std::string_view doc;
  bool is_reloadable = false;
};

// A setting of one value: `parse` gives what the text means, or nullopt.
template <class Value, class Parse, class Show>
Setting scalar(const About& about, std::string takes, Value Config::*member, Parse parse, Show show) {
  Setting setting{
      .name = about.name, .takes = std::move(takes), .doc = about.doc, .is_reloadable = about.is_reloadable};
  setting.take = [member, parse](Config& config, const std::vector<std::string>& texts) {
    if (texts.size() != 1) return false;
    const auto value = parse(texts[0]);
    if (value) config.*member = *value;
    return value.has_value();
  };
  setting.show = [member, show](const Config& config) { return std::string{show(config.*member)}; };
  return setting;
}

Setting text(const About& about, std::string takes, std::string Config::*member) {
  return scalar(
      about, std::move(takes), member,
      [](const std::string& value) { return value.empty() ? std::nullopt : std::optional{value}; },
      [](const std::string& value) { return value; });
}

Setting on_off(const About& about, bool Config::*member) {
  return scalar(about, "on or off", member, parse_switch, [](bool value) { return value ? "on" : "off"; });
}

Setting number(const About& about, std::size_t Config::*member, std::size_t min, std::size_t max) {
  const auto parse = [min, max](const std::string& value) -> std::optional<std::size_t> {
    const auto parsed = parse_decimal(value, static_cast<std::int64_t>(max));
    if (!parsed || static_cast<std::size_t>(*parsed) < min) return std::nullopt;
    return static_cast<std::size_t>(*parsed);
  };
  return scalar(about, "a number from " + std::to_string(min) + " to " + std::to_string(max), member, parse,
                [](std::size_t value) { return std::to_string(value); });
}

Setting size(const About& about, std::size_t Config::*member, std::size_t min, std::size_t max) {
  const auto parse = [min, max](const std::string& value) -> std::optional<std::size_t> {
    const auto bytes = parse_size(value);
    return bytes && *bytes >= min && *bytes <= max ? bytes : std::nullopt;
  };
  return scalar(about, "a size from " + format_size(min) + " to " + format_size(max), member, parse, format_size);
}

Setting duration(const About& about, std::int64_t Config::*member, std::int64_t min_ms, std::int64_t max_ms) {
  const auto parse = [min_ms, max_ms](const std::string& value) -> std::optional<std::int64_t> {
    const auto ms = parse_duration_ms(value);
    return ms && *ms >= min_ms && *ms <= max_ms ? ms : std::nullopt;
  };
  return scalar(about, "a duration from " + format_duration(min_ms) + " to " + format_duration(max_ms), member, parse,
                format_duration);
}

template <class Value, std::size_t count>
Setting choice(const About& about, Value Config::*member, std::array<std::pair<std::string_view, Value>, count> names) {
  std::string takes;
  for (std::size_t i = 0; i < count; ++i) {
    takes.append(i == 0 ? "" : i + 1 == count ? " or " : ", ").append(names[i].first);
  }
  const auto parse = [names](const std::string& value) -> std::optional<Value> {
    const auto it = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == value; });
    return it == names.end() ? std::nullopt : std::optional{it->second};
  };
  const auto show = [names](Value value) {
    return std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.second == value; })->first;
  };
  return scalar(about, std::move(takes), member, parse, show);
}

Setting list(const About& about, std::string takes, std::vector<std::string> Config::*member,
             bool (*is_entry)(std::string_view), bool may_be_empty = false) {
  Setting setting{.name = about.name,
                  .takes = std::move(takes),
                  .doc = about.doc,
                  .is_list = true,
                  .is_reloadable = about.is_reloadable};
  setting.take = [member, is_entry, may_be_empty](Config& config, const std::vector<std::string>& texts) {
    if (texts.empty() && !may_be_empty) return false;
    if (!std::all_of(texts.begin(), texts.end(), is_entry)) return false;
    config.*member = texts;
    return true;
  };
  setting.show = [member](const Config& config) {
    std::string joined;
    for (const std::string& entry : config.*member) joined.append(joined.empty() ? "" : ",").append(entry);
    return joined;
  };
  return setting;
}

bool has_no_space(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' '; });
}

// A name or pattern of topics, or public=name.
bool is_exposure(std::string_view text) {
  const auto is_legal = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view{"._-*="}.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_legal) &&
         std::count(text.begin(), text.end(), '=') <= 1;
}

// Scheme and authority as browsers send them: no path, no capitals.
bool is_origin(std::string_view text) {
  if (text == "*") return true;
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos || scheme == 0 || scheme + 3 == text.size()) return false;
  const std::string_view authority = text.substr(scheme + 3);
  return has_no_space(text) && authority.find_first_of("/?#@*,") == authority.npos &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0; });
}

// One text for librdkafka; in a file a list too.
Setting kafka() {
  Setting setting{.name = "kafka",
                  .takes = "servers HOST:PORT",
                  .doc = "Bootstrap servers. Must be given, except in the demo.",
                  .is_list = true};
  setting.take = [](Config& config, const std::vector<std::string>& texts) {
    std::string joined;
    for (const std::string& server : texts) joined.append(joined.empty() ? "" : ",").append(server);
    config.kafka = std::move(joined);
    return !texts.empty() && std::all_of(texts.begin(), texts.end(), has_no_space);
  };
  setting.show = [](const Config& config) { return config.kafka; };
  return setting;
}

// The kernel's choice is written "auto".
Setting sndbuf() {
  const auto parse = [](const std::string& value) -> std::optional<std::size_t> {
    if (value == "auto") return 0;
    const auto bytes = parse_size(value);
    return bytes && *bytes >= 4 * kKiB && *bytes <= 64 * kMiB ? bytes : std::nullopt;
  };
  return scalar(
      {"sndbuf", "Send buffer of a connection in the kernel. A fixed one caps a connection at its size a round trip."},
      "auto or a size from 4KiB to 64MiB", &Config::sndbuf, parse,
      [](std::size_t bytes) { return bytes == 0 ? std::string{"auto"} : format_size(bytes); });
}

Setting threads() {
  const auto parse = [](const std::string& value) -> std::optional<std::size_t> {
    if (value == "auto") return 0;
    const auto count = parse_decimal(value, 256);
    return count && *count > 0 ? std::optional{static_cast<std::size_t>(*count)} : std::nullopt;
  };
  return scalar({"threads", "I/O threads. auto: one for each core."}, "auto or a number from 1 to 256",
                &Config::threads, parse,
                [](std::size_t count) { return count == 0 ? std::string{"auto"} : std::to_string(count); });
}

bool is_redis_prefix(std::string_view prefix) {
  constexpr std::size_t kBytesMax = 64;
  return !prefix.empty() && prefix.size() <= kBytesMax &&
         std::all_of(prefix.begin(), prefix.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || std::string_view{"._-:"}.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

std::vector<Setting> redis_settings() {
  constexpr std::int64_t kDay = 24 * 60 * kMinute;
  std::vector<Setting> all;
  all.push_back(text({"redis",
                      "What replicas share: cursors, limits. redis://USER:PASSWORD@HOST:PORT/DB, rediss:// with TLS, "
                      "redis-cluster://H1,H2, redis-sentinel://H1,H2/NAME/DB or unix:/PATH; user and password "
                      "percent-encoded. None: one replica, everything in memory."},
                     "the URL of a Redis 6.2 or later", &Config::redis));
  all.push_back(text({"redis_file", "A file with that URL, which may hold a password."}, "the path of a file",
                     &Config::redis_file));
  all.push_back(scalar(
      {"redis_prefix", "What the names of all keys in Redis begin with."}, "letters, digits and ._-: (at most 64)",
      &Config::redis_prefix,
      [](const std::string& value) { return is_redis_prefix(value) ? std::optional{value} : std::nullopt; },
      [](const std::string& value) { return value; }));
  all.push_back(number({"redis_wait",
                        "Replicas of Redis that must have confirmed a cursor before it counts as saved (WAIT); a Redis "
                        "with fewer answers 503."},
                       &Config::redis_wait, 0, 10));
  all.push_back(
      text({"redis_ca",
            "Certificates of which one must have signed what Redis shows (rediss://), a PEM file; none: those "
            "that the system trusts."},
           "the path of a PEM file", &Config::redis_ca));
  all.push_back(text({"redis_cert", "The certificate that is shown to Redis, a PEM file."}, "the path of a PEM file",
                     &Config::redis_cert));
  all.push_back(
      text({"redis_key", "Private key of redis_cert, a PEM file."}, "the path of a PEM file", &Config::redis_key));
  all.push_back(
      number({"cursors_per_principal", "Cursors of one principal; without identity there is one for all clients."},
             &Config::cursors_per_principal, 1, 10'000'000));
  all.push_back(duration({"cursor_ttl", "A cursor that nobody reads or moves for so long is forgotten."},
                         &Config::cursor_ttl_ms, kMinute, 3'650 * kDay));
  return all;
}

Setting stream_age() {
  const auto parse = [](const std::string& value) -> std::optional<std::int64_t> {
    if (value == "none") return 0;
    const auto ms = parse_duration_ms(value);
    return ms && *ms >= kSecond && *ms <= 30 * 24 * 60 * kMinute ? ms : std::nullopt;
  };
  return scalar(
      {"stream_age",
       "A stream that is so old ends, and its client comes back by itself; up to a fifth earlier, so that not all "
       "come at once."},
      "none or a duration from 1s to 30d", &Config::stream_age_ms, parse,
      [](std::int64_t ms) { return ms == 0 ? std::string{"none"} : format_duration(ms); });
}

Setting limit_requests() {
  constexpr std::int64_t kMax = 1'000'000;
  const auto parse = [](const std::string& value) -> std::optional<TokenRate> {
    const std::size_t slash = value.find('/');
    const auto rate = parse_decimal(value.substr(0, slash), kMax);
    const auto burst = slash == value.npos ? rate : parse_decimal(value.substr(slash + 1), kMax);
    if (!rate || !burst) return std::nullopt;
    if (*rate == 0) return slash == value.npos ? std::optional{TokenRate{}} : std::nullopt;
    if (*burst == 0) return std::nullopt;
    return TokenRate{static_cast<double>(*rate), static_cast<double>(*burst)};
  };
  const auto show = [](const TokenRate& rate) {
    if (rate.per_second == 0) return std::string{"0"};
    return std::to_string(static_cast<std::int64_t>(rate.per_second)) + '/' +
           std::to_string(static_cast<std::int64_t>(rate.burst));
  };
  return scalar({"limit_requests",
                 "Requests a second of one caller (an address; IPv6: its /64) and how many at once, over all replicas. "
                 "0: any number."},
                "0 or RATE/BURST, such as 100/200", &Config::limit_requests, parse, show);
}

std::vector<Setting> limit_settings() {
  constexpr std::size_t kMax = 1'000'000;
  std::vector<Setting> all;
  all.push_back(limit_requests());
  all.push_back(number(
      {"limit_streams", "Streams and waiting long polls of one caller at a time, over all replicas. 0: any number."},
      &Config::limit_streams, 0, kMax));
  all.push_back(
      number({"limit_records",
              "Records a second that one caller is sent, over all its streams; what is more waits. 0: any number."},
             &Config::limit_records, 0, 1'000 * kMax));
  all.push_back(size({"limit_bytes", "The same of bytes."}, &Config::limit_bytes, 0, 1024 * kGiB));
  all.push_back(number({"replicas",
                        "How many replicas share the limits while Redis is away: each keeps to its part. 0: as many as "
                        "Redis has said last."},
                       &Config::replicas, 0, 10'000));
  return all;
}

std::vector<Setting> make_settings() {
  std::vector<Setting> all;
  all.push_back(
      list({"listen",
            "Where clients connect: http://HOST:PORT (HTTP/1.1 and h2c), https://HOST:PORT (TLS with ALPN) or "
            "unix:PATH; a bare HOST:PORT is http, and https when tls_cert is set. IPv6 in brackets. "
            "With ?proxy=v1v2 behind it every connection must come from trusted_proxies and begin with a PROXY header. "
            "In the demo 127.0.0.1:8080."},
           "addresses", &Config::listen, has_no_space));
  all.push_back(text({"admin", "Where /livez, /readyz and /metrics are, without authentication: keep it private."},
                     "an address HOST:PORT", &Config::admin));
  all.push_back(on_off({"health_on_public", "Serves /livez and /readyz on the public listeners too."},
                       &Config::health_on_public));
  all.push_back(kafka());
  all.push_back(list(
      {"topics",
       "What is exposed: names and patterns with *, and PUBLIC=NAME to expose a topic under another name. Internal "
       "topics (__…) never are. Must be given, except in the demo."},
      "names, patterns with * and PUBLIC=NAME", &Config::topics, is_exposure));
  all.push_back(threads());
  all.push_back(
      number({"max_connections",
              "Connections at a time. Checked against the limit of open files, which is raised as far as it goes."},
             &Config::max_connections, 1, 1'000'000));
  all.push_back(number({"connections_per_address",
                        "Connections at a time from one address (IPv6: one /64). 0: no limit. Those of trusted_proxies "
                        "count only where a PROXY header says for whom."},
                       &Config::connections_per_address, 0, 1'000'000));
  all.push_back(
      number({"tls_failures_per_address",
              "TLS handshakes of one address (IPv6: one /64) that may fail in a second; ten times as many may "
              "at once. Of one that fails more, connections are closed unheard until time has passed. 0: no "
              "limit."},
             &Config::tls_failures_per_address, 0, 100'000));
  all.push_back(text({"tls_cert", "Certificate chain of the https listeners, a PEM file. Read again on SIGHUP."},
                     "the path of a PEM file", &Config::tls_cert));
  all.push_back(text({"tls_key", "Private key of tls_cert, a PEM file. Read again on SIGHUP."},
                     "the path of a PEM file", &Config::tls_key));
  all.push_back(
      text({"tls_client_ca",
            "Certificates of which one must have signed what a client shows, a PEM file; none: clients show nothing. "
            "Read again on SIGHUP."},
           "the path of a PEM file", &Config::tls_client_ca));
  all.push_back(choice<TlsVersion, 2>({"tls_min_version", "The oldest version of TLS that is taken."},
                                      &Config::tls_min_version,
                                      {{{"1.2", TlsVersion::v1_2}, {"1.3", TlsVersion::v1_3}}}));
  all.push_back(
      list({"cors_origins", "Origins whose pages may read the answers, written as browsers send them, or * for all."},
           "origins such as https://example.org, or *", &Config::cors_origins, is_origin, /*may_be_empty=*/true));
  all.push_back(
      list({"trusted_proxies",
            "Networks of the proxies in front. Who connects from there speaks for others: with a PROXY header on "
            "listeners that ask for one, or in forwarded_header. unix: who comes through a Unix socket."},
           "networks such as 10.0.0.0/8, addresses, or unix", &Config::trusted_proxies, has_no_space,
           /*may_be_empty=*/true));
  all.push_back(choice<ForwardedHeader, 3>({"forwarded_header",
                                            "Where trusted proxies say whose request it is; exactly this field is "
                                            "read, and in it the rightmost address that "
                                            "is no trusted proxy's."},
                                           &Config::forwarded_header,
                                           {{{"x-forwarded-for", ForwardedHeader::x_forwarded_for},
                                             {"forwarded", ForwardedHeader::forwarded},
                                             {"none", ForwardedHeader::none}}}));
  for (Setting& setting : limit_settings()) all.push_back(std::move(setting));
  for (Setting& setting : redis_settings()) all.push_back(std::move(setting));
  all.push_back(size(
      {"record_bytes", "Memory of the newest records of all tailed partitions; at least eight times max_event_bytes."},
      &Config::record_bytes, kMiB, 1024 * kGiB));
  all.push_back(size({"feed_bytes",
                      "Memory of the encoded events of one feed (what clients that ask the same share) on a thread; at "
                      "least twice max_event_bytes."},
                     &Config::feed_bytes, 64 * kKiB, 64 * kGiB));
  all.push_back(size({"feeds_bytes", "Memory of all feeds."}, &Config::feeds_bytes, kMiB, 1024 * kGiB));
  all.push_back(size({"history_bytes",
                      "Memory of the pages read from Kafka for clients that are behind, those that clients hold at the "
                      "moment among them."},
                     &Config::history_bytes, kMiB, 1024 * kGiB));
  all.push_back(size({"bodies_bytes",
                      "Memory of the answers of long polls, and of others above 4 KiB, until their clients have taken "
                      "them, and of the bodies of requests while they come. What has no room in it is answered 503."},
                     &Config::bodies_bytes, kMiB, 1024 * kGiB));
  all.push_back(size({"max_event_bytes", "Records above it are delivered as `oversize` events, without their value."},
                     &Config::max_event_bytes, kKiB, 64 * kMiB));
  all.push_back(size({"notsent_lowat", "Unsent bytes of a connection that the kernel takes: what a slow client costs."},
                     &Config::notsent_lowat, kKiB, 16 * kMiB));
  all.push_back(sndbuf());
  all.push_back(duration({"heartbeat", "The longest silence on a stream, to within a fifth of a second."},
                         &Config::heartbeat_ms, 100, 10 * kMinute));
  all.push_back(duration({"retry",
                          "How long an EventSource waits before it reconnects (`retry:`), at most: each stream is told "
                          "a time of its own, from half of it on."},
                         &Config::retry_ms, 100, 10 * kMinute));
  all.push_back(duration({"write_stall", "A client that takes nothing for so long is cut off."},
                         &Config::write_stall_ms, kSecond, 60 * kMinute));
  all.push_back(stream_age());
  all.push_back(
      on_off({"gzip",
              "SSE and NDJSON streams are compressed for clients that send `Accept-Encoding: gzip`. An event is "
              "compressed once for all who share it, in about 6 µs (3 µs where several come together), and 72 KiB a "
              "feed; a stream that is behind is compressed for itself. Off: nobody pays for it."},
             &Config::gzip));
  all.push_back(on_off(
      {"zstd",
       "The same with zstd for clients that send `Accept-Encoding: zstd`, as browsers do over TLS; who takes both as "
       "gladly gets zstd. An event takes about 4 µs (2 µs where several come together), and a feed 112 KiB, "
       "beside what gzip takes where both are asked for. Some older libraries read its first frame only."},
      &Config::zstd));
  all.push_back(
      duration({"drain_delay",
                "From SIGTERM on /readyz is 503; so long the listeners stay open, until every balancer has seen it. "
                "In the demo 0s."},
               &Config::drain_delay_ms, 0, 10 * kMinute));
  all.push_back(
      duration({"drain",
                "After drain_delay streams are told to come back elsewhere, one by one over three quarters of this "
                "time; who has not taken it at its end is reset. In the demo 2s."},
               &Config::drain_ms, 100, 60 * kMinute));
  all.push_back(
      duration({"handshake_timeout", "For the TLS handshake."}, &Config::handshake_timeout_ms, 100, 10 * kMinute));
  all.push_back(duration({"first_byte_timeout", "For the first byte of a new connection."},
                         &Config::first_byte_timeout_ms, 100, 10 * kMinute));
  all.push_back(duration({"header_timeout", "For the header of a request, from its first byte to its last."},
                         &Config::header_timeout_ms, 100, 10 * kMinute));
  all.push_back(duration({"idle_timeout_h1", "For the next request of an HTTP/1.1 connection."},
                         &Config::idle_timeout_h1_ms, 100, 24 * 60 * kMinute));
  all.push_back(duration({"idle_timeout_h2", "For an HTTP/2 connection without a stream."}, &Config::idle_timeout_h2_ms,
                         100, 24 * 60 * kMinute));
  all.push_back(
      duration({"ping_interval", "An HTTP/2 connection with streams that says nothing for so long is pinged."},
               &Config::ping_interval_ms, 100, 60 * kMinute));
  all.push_back(
      duration({"ping_timeout", "For the answer to that ping."}, &Config::ping_timeout_ms, 100, 60 * kMinute));
  all.push_back(duration({"settings_timeout", "For an HTTP/2 client's acknowledgement of our settings."},
                         &Config::settings_timeout_ms, 100, 10 * kMinute));
  all.push_back(duration({"user_timeout", "A peer that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT)."},
                         &Config::user_timeout_ms, kSecond, 60 * kMinute));
  all.push_back(
      on_off({"console", "The console at /: topics, a live tail, the curl line for what it shows. In the demo on."},
             &Config::console));
  all.push_back(choice<LogLevel, 4>({"log_level", "What is logged to stderr.", true}, &Config::log_level,
                                    {{{"debug", LogLevel::debug},
                                      {"info", LogLevel::info},
                                      {"warning", LogLevel::warning},
                                      {"error", LogLevel::error}}}));
  all.push_back(choice<LogFormat, 3>(
      {"log_format", "How. auto: text on a terminal, else one JSON object a line."}, &Config::log_format,
      {{{"auto", LogFormat::automatic}, {"text", LogFormat::text}, {"json", LogFormat::json}}}));
  all.push_back(number({"metrics_topics", "So many topics have metrics of their own; those above it count as `other`."},
                       &Config::metrics_topics, 0, 100'000));
  return all;
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> kSettings = make_settings();
  return kSettings;
}

std::string flag_of(const Setting& setting) {
  std::string flag = "--" + std::string{setting.name};
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string environment_of(const Setting& setting) {
  std::string name = "TAILGATE_" + std::string{setting.name};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace tailgate
