#include "server/load_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace tailgate {
namespace {

// A file that is gone when the test ends.
class TextFile {
 public:
  explicit TextFile(const std::string& text)
      : path_{testing::TempDir() + "tailgate_config_" + std::to_string(getpid()) + '_' + std::to_string(count_++)} {
    std::ofstream{path_} << text;
  }
  ~TextFile() { std::remove(path_.c_str()); }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  static inline int count_ = 0;
  std::string path_;
};

Given flag(std::string name, std::vector<std::string> texts) { return {name, std::move(texts), "flag --" + name}; }

// Settings without which nothing starts.
ConfigSources enough() {
  ConfigSources sources;
  sources.flags = {flag("kafka", {"broker:9092"}), flag("topics", {"*"})};
  return sources;
}

ConfigSources enough_and(Given given) {
  ConfigSources sources = enough();
  sources.flags.push_back(std::move(given));
  return sources;
}

ConfigSources enough_and_variable(std::string variable) {
  ConfigSources sources = enough();
  sources.environment.push_back(std::move(variable));
  return sources;
}

LoadedConfig loaded(const ConfigSources& sources) {
  auto config = load_config(sources);
  EXPECT_TRUE(config) << (config ? "" : config.error().detail);
  return config ? *config : LoadedConfig{};
}

std::string refused(const ConfigSources& sources) {
  const auto config = load_config(sources);
  EXPECT_FALSE(config);
  if (config) return "";
  EXPECT_EQ(config.error().code, ErrorCode::bad_config);
  EXPECT_EQ(config.error().detail.find('\n'), std::string::npos) << "one line";
  return config.error().detail;
}

testing::AssertionResult is_refused(const ConfigSources& sources, std::initializer_list<std::string_view> parts) {
  const auto config = load_config(sources);
  if (config) return testing::AssertionFailure() << "it was taken";
  const std::string& detail = config.error().detail;
  for (const std::string_view part : parts) {
    if (detail.find(part) == detail.npos) return testing::AssertionFailure() << detail << ": without " << part;
  }
  return testing::AssertionSuccess();
}

TEST(LoadConfig, TheLaterSourceWins) {
  const TextFile file{"kafka = 'file:1'\ntopics = ['a']\nthreads = 1\nheartbeat = '1s'\nconsole = true\n"};
  ConfigSources sources;
  sources.file = file.path();
  sources.environment = {"TAILGATE_KAFKA=variable:1", "TAILGATE_THREADS=2", "HOME=/"};
  sources.flags = {flag("threads", {"3"})};
  const LoadedConfig config = loaded(sources);
  EXPECT_EQ(config.config.threads, 3u);
  EXPECT_EQ(config.config.kafka, "variable:1");
  EXPECT_EQ(config.config.topics, std::vector<std::string>{"a"});
  EXPECT_EQ(config.config.heartbeat_ms, 1'000);
  EXPECT_TRUE(config.config.console);
  EXPECT_EQ(config.config.retry_ms, 3'000);
  EXPECT_EQ(config.naming("threads"), "threads (flag --threads)");
  EXPECT_EQ(config.naming("kafka"), "kafka (variable TAILGATE_KAFKA)");
  EXPECT_EQ(config.naming("heartbeat"), "heartbeat (" + file.path() + " line 4)");
  EXPECT_EQ(config.naming("retry"), "retry (default)");
  EXPECT_TRUE(config.warnings.empty());
}

TEST(LoadConfig, TheLaterSourceWinsUnderEachNameOfAProperty) {
  const TextFile file{"[librdkafka]\n'sasl.mechanisms' = 'PLAIN'\n"};
  ConfigSources sources = enough_and(flag("librdkafka.sasl.mechanism", {"SCRAM-SHA-512"}));
  sources.file = file.path();
  EXPECT_EQ(loaded(sources).config.librdkafka,
            (std::map<std::string, std::string>{{"sasl.mechanisms", "SCRAM-SHA-512"}}));
}

TEST(LoadConfig, TheEnvironmentMayNameTheFile) {
  const TextFile file{"kafka = ['a:1', 'b:1']\ntopics = 'x, y'"};
  ConfigSources sources;
  sources.environment = {"TAILGATE_CONFIG=" + file.path()};
  EXPECT_EQ(loaded(sources).config.kafka, "a:1,b:1");
  EXPECT_EQ(loaded(sources).config.topics, (std::vector<std::string>{"x", "y"}));
}

TEST(LoadConfig, ListsAreArraysOrHaveCommas) {
  EXPECT_EQ(loaded(enough_and(flag("listen", {"a:1, b:2", "unix:/c"}))).config.listen,
            (std::vector<std::string>{"a:1", "b:2", "unix:/c"}));
  EXPECT_EQ(loaded(enough_and_variable("TAILGATE_CORS_ORIGINS=https://a,https://b")).config.cors_origins.size(), 2u);
}

TEST(LoadConfig, AWrongValueNamesItsSettingItsSourceAndWhatWouldBeRight) {
  EXPECT_TRUE(
      is_refused(enough_and(flag("threads", {"0"})), {"threads (flag --threads)", "auto or a number from 1 to 256"}));
  EXPECT_TRUE(is_refused(enough_and_variable("TAILGATE_HEARTBEAT=15"),
                         {"heartbeat (variable TAILGATE_HEARTBEAT)", "a duration from 100ms"}));
  const TextFile file{"\n\nrecord_bytes = '1TB'\n"};
  ConfigSources sources = enough();
  sources.file = file.path();
  EXPECT_TRUE(is_refused(sources, {"record_bytes (" + file.path() + " line 3)", "a size from 1MiB"}));
  EXPECT_TRUE(is_refused(enough_and(flag("log_level", {"verbose"})), {"debug, info, warning or error"}));
  EXPECT_TRUE(
      is_refused(enough_and(flag("cors_origins", {"https://a.example/"})), {"cors_origins", "https://example.org"}));
  EXPECT_TRUE(is_refused(enough_and(flag("cors_origins", {"https://A.example"})), {"cors_origins"}));
}

TEST(LoadConfig, WhatMustBeGivenIsAskedFor) {
  ConfigSources sources;
  EXPECT_TRUE(is_refused(sources, {"kafka", "must be given"}));
  sources.flags = {flag("kafka", {"a:1"})};
  EXPECT_TRUE(is_refused(sources, {"topics", "must be given"}));
  sources.mode = Mode::demo;
  EXPECT_TRUE(is_refused(sources, {"kafka (flag --kafka)", "demo"}));
  sources.flags.clear();
  const LoadedConfig demo = loaded(sources);
  EXPECT_EQ(demo.config.listen, std::vector<std::string>{"127.0.0.1:8080"});
  EXPECT_TRUE(demo.config.console);
}

TEST(LoadConfig, UnknownSettingsEndTheStartAndUnknownVariablesWarn) {
  EXPECT_TRUE(is_refused(enough_and(flag("thread", {"1"})), {"thread (flag --thread)", "unknown setting", "threads"}));
  const TextFile file{"[server]\nlisten = 'a:1'\n"};
  ConfigSources sources = enough();
  sources.file = file.path();
  EXPECT_TRUE(is_refused(sources, {"server", "line 1"}));
  const TextFile later{"jwt_issuer = 'a'\n"};
  sources.file = later.path();
  EXPECT_TRUE(is_refused(sources, {"jwt_issuer", "unknown setting"}));

  sources = enough();
  sources.environment = {"TAILGATE_THREAD=1",
                         "TAILGATE_SERVICE_HOST=10.0.0.1",
                         "TAILGATE_PORT=tcp://10.0.0.1:80",
                         "TAILGATE_PORT_80_TCP=x",
                         "TAILGATE_THREADS=",
                         "OTHER=1"};
  const LoadedConfig config = loaded(sources);
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_EQ(config.warnings[0], "variable TAILGATE_THREAD is not a setting (did you mean threads?)");
  EXPECT_EQ(config.config.threads, 0u);
}

TEST(LoadConfig, AFileThatCannotBeReadOrIsNoTomlIsSaid) {
  ConfigSources sources = enough();
  sources.file = testing::TempDir();
  EXPECT_TRUE(is_refused(sources, {testing::TempDir(), "directory"})) << "else it would be an empty file";
  sources.file = "/nonexistent/tailgate.toml";
  EXPECT_TRUE(is_refused(sources, {"/nonexistent/tailgate.toml"}));
  const TextFile file{"kafka = \n"};
  sources.file = file.path();
  EXPECT_TRUE(is_refused(sources, {file.path() + " line 1"}));
  const TextFile table{"threads = 1.5\n"};
  sources.file = table.path();
  EXPECT_TRUE(is_refused(sources, {"threads", "line 1"}));
}

TEST(LoadConfig, PropertiesOfLibrdkafkaComeFromEverywhere) {
  const TextFile password{"secret\n"};
  const TextFile file{"[librdkafka]\n\"client.rack\" = 'file'\nssl.ca.location = '/ca'\n\"sasl.password_file\" = '" +
                      password.path() +
                      "'\n\"socket.timeout.ms\" = 1000\n\"enable.ssl.certificate.verification\" = false\n"};
  ConfigSources sources = enough();
  sources.file = file.path();
  sources.environment = {"TAILGATE_LIBRDKAFKA__CLIENT_RACK=variable",
                         "TAILGATE_LIBRDKAFKA__SSL_KEY_PASSWORD_FILE=" + password.path()};
  sources.flags.push_back({"librdkafka.sasl.username", {"me"}, "flag --librdkafka"});
  const auto properties = loaded(sources).config.librdkafka;
  EXPECT_EQ(properties.at("client.rack"), "variable");
  EXPECT_EQ(properties.at("ssl.ca.location"), "/ca");
  EXPECT_EQ(properties.at("sasl.password"), "secret");
  EXPECT_EQ(properties.at("ssl.key.password"), "secret");
  EXPECT_EQ(properties.at("sasl.username"), "me");
  EXPECT_EQ(properties.at("socket.timeout.ms"), "1000");
  EXPECT_EQ(properties.at("enable.ssl.certificate.verification"), "false");
  EXPECT_EQ(properties.size(), 7u);
}

TEST(LoadConfig, PropertiesThatTheDesignFixesAreRefusedByName) {
  for (const char* name : {"plugin.library.paths", "auto.offset.reset", "enable.partition.eof"}) {
    const std::string setting = std::string{"librdkafka."} + name;
    EXPECT_TRUE(is_refused(enough_and({setting, {"x"}, "flag --librdkafka"}), {setting, "flag --librdkafka"}));
  }
  EXPECT_TRUE(is_refused(enough_and({"librdkafka.sasl.password_file", {"/nonexistent"}, "flag --librdkafka"}),
                         {"sasl.password_file"}));
}

TEST(LoadConfig, WhatLibrdkafkaWouldRefuseAtTheStartIsRefusedHere) {
  EXPECT_TRUE(is_refused(enough_and({"librdkafka.client.rak", {"x"}, "flag --librdkafka"}),
                         {"librdkafka.client.rak (flag --librdkafka)", "No such configuration property"}));
  EXPECT_TRUE(is_refused(enough_and({"librdkafka.security.protocol", {"SASL"}, "flag --librdkafka"}),
                         {"librdkafka.security.protocol", "Invalid value"}));
}

TEST(LoadConfig, BootstrapServersAreHostsWithPorts) {
  const auto with = [](const char* servers) {
    ConfigSources sources;
    sources.flags = {flag("kafka", {servers}), flag("topics", {"*"})};
    return sources;
  };
  for (const char* good : {"a", "a:9092", "a:1,b:2", "[::1]:9092", "SASL_SSL://a:9093, b:9094"}) {
    EXPECT_TRUE(load_config(with(good))) << good;
  }
  for (const char* bad : {"a:b", "a:99999", "a:0", "a:", ":9092", "http://a:1", "[::1:9092"}) {
    EXPECT_TRUE(is_refused(with(bad), {"kafka (flag --kafka)", "HOST:PORT"})) << bad;
  }
  EXPECT_TRUE(is_refused(with(""), {"kafka (flag --kafka)", "must be"}));
}

TEST(LoadConfig, TwoListenersDoNotShareAnAddress) {
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"a:1", "http://a:1"})), {"listen (flag", "twice"}));
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"unix:/a", "unix:/a"})), {"listen (flag", "twice"}));
  ConfigSources sources = enough_and(flag("listen", {"127.0.0.1:1"}));
  sources.flags.push_back(flag("admin", {"127.0.0.1:1"}));
  EXPECT_TRUE(is_refused(sources, {"admin (flag", "listen"}));
  EXPECT_EQ(loaded(enough_and(flag("listen", {"a:0", "a:0"}))).config.listen.size(), 2U) << "the kernel chooses";
}

TEST(LoadConfig, ContradictionsAreSaid) {
  EXPECT_TRUE(is_refused(enough_and(flag("tls_cert", {"/dev/null"})), {"tls_cert (flag --tls_cert)", "tls_key"}));
  EXPECT_TRUE(is_refused(enough_and(flag("tls_key", {"/dev/null"})), {"tls_key", "tls_cert"}));
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"https://0.0.0.0:8443"})), {"listen", "tls_cert"}));
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"ftp://0.0.0.0:21"})), {"listen"}));
  EXPECT_TRUE(is_refused(enough_and(flag("admin", {"nowhere"})), {"admin"}));
  EXPECT_TRUE(is_refused(enough_and(flag("admin", {"https://127.0.0.1:1"})), {"admin (flag", "TLS"}));
  EXPECT_TRUE(is_refused(enough_and(flag("admin", {"127.0.0.1:1?proxy=v1v2"})), {"admin (flag", "PROXY"}));
  EXPECT_TRUE(is_refused(enough_and(flag("cors_origins", {"*", "https://a.example"})), {"cors_origins", "alone"}));
  EXPECT_TRUE(is_refused(enough_and(flag("feed_bytes", {"1GiB"})), {"feed_bytes", "feeds_bytes"}));
  EXPECT_TRUE(is_refused(enough_and(flag("max_event_bytes", {"8MiB"})), {"max_event_bytes (flag", "feed_bytes"}));
  ConfigSources sources = enough_and(flag("tls_cert", {"/nonexistent"}));
  sources.flags.push_back(flag("tls_key", {"/dev/null"}));
  EXPECT_TRUE(is_refused(sources, {"tls_cert", "can be read"}));
}

TEST(LoadConfig, ABareListenerIsHttpsWhereThereIsACertificate) {
  ConfigSources sources = enough_and(flag("tls_cert", {"/dev/null"}));
  sources.flags.push_back(flag("tls_key", {"/dev/null"}));
  sources.flags.push_back(flag("listen", {"https://a:1", "b:2"}));
  EXPECT_EQ(loaded(sources).config.listen.size(), 2u);
}

TEST(LoadConfig, ConnectionsFitIntoTheLimitOfOpenFiles) {
  ConfigSources sources = enough();
  sources.open_files_max = 20'000;
  EXPECT_EQ(loaded(sources).config.max_connections, 15'000u);
  sources.open_files_max = 1'024;
  EXPECT_EQ(loaded(sources).config.max_connections, 768u);
  EXPECT_EQ(loaded(sources).warnings.size(), 1u);
  sources.flags.push_back(flag("max_connections", {"5000"}));
  EXPECT_TRUE(is_refused(sources, {"max_connections (flag --max_connections)", "1024"}));
}

TEST(LoadConfig, WhatHasChangedIsNamed) {
  Config before;
  Config after;
  EXPECT_TRUE(changed_settings(before, after).empty());
  after.threads = 3;
  after.topics = {"x"};
  after.librdkafka["client.rack"] = "a";
  EXPECT_EQ(changed_settings(before, after), (std::vector<std::string>{"topics", "threads", "librdkafka"}));
}

TEST(LoadConfig, RedisIsAUrlThatIsNeverRepeated) {
  const LoadedConfig config = loaded(enough_and(flag("redis", {"rediss://app:secret@cache:6380/1"})));
  EXPECT_EQ(config.config.redis, "rediss://app:secret@cache:6380/1");
  const std::string detail = refused(enough_and(flag("redis", {"redis://app:secret@cache:x"})));
  EXPECT_NE(detail.find("redis (flag --redis): "), detail.npos) << detail;
  EXPECT_EQ(detail.find("secret"), detail.npos) << detail;
}

TEST(LoadConfig, RedisMayComeFromAFile) {
  const TextFile url{"redis://:secret@cache\n"};
  EXPECT_EQ(loaded(enough_and(flag("redis_file", {url.path()}))).config.redis, "redis://:secret@cache");
  const TextFile wrong{"secret@cache"};
  const std::string detail = refused(enough_and(flag("redis_file", {wrong.path()})));
  EXPECT_NE(detail.find("redis_file (flag --redis_file): "), detail.npos) << detail;
  EXPECT_EQ(detail.find("secret"), detail.npos) << detail;
  EXPECT_TRUE(is_refused(enough_and(flag("redis_file", {"/no/such/file"})), {"redis_file", "can be read"}));
  // What a container gets where the file to be mounted was not there.
  EXPECT_TRUE(is_refused(enough_and(flag("redis_file", {testing::TempDir()})), {"redis_file", "can be read"}));
  EXPECT_TRUE(is_refused(enough_and(flag("librdkafka.sasl.password_file", {testing::TempDir()})),
                         {"sasl.password_file", "can be read"}));
  ConfigSources both = enough_and(flag("redis_file", {url.path()}));
  both.flags.push_back(flag("redis", {"redis://a"}));
  EXPECT_TRUE(is_refused(both, {"redis_file", "beside redis"}));
}

TEST(LoadConfig, WhatIsForRedisNeedsIt) {
  EXPECT_TRUE(is_refused(enough_and(flag("redis_wait", {"1"})), {"redis_wait", "needs redis"}));
  EXPECT_TRUE(is_refused(enough_and(flag("redis_ca", {"/dev/null"})), {"redis_ca", "rediss://"}));
  ConfigSources half = enough_and(flag("redis", {"rediss://a"}));
  half.flags.push_back(flag("redis_cert", {"/dev/null"}));
  EXPECT_TRUE(is_refused(half, {"redis_cert", "needs redis_key"}));
  EXPECT_TRUE(is_refused(enough_and(flag("redis_prefix", {"a{b}"})), {"redis_prefix"}));
}

TEST(LoadConfig, ProxiesAreNetworksAndWhatTheySayNeedsThem) {
  ConfigSources trusted = enough_and(flag("trusted_proxies", {"10.0.0.0/8,::1"}));
  trusted.flags.push_back(flag("forwarded_header", {"forwarded"}));
  trusted.flags.push_back(flag("listen", {"http://127.0.0.1:1?proxy=v1v2"}));
  EXPECT_EQ(loaded(trusted).config.trusted_proxies.size(), 2U);
  EXPECT_TRUE(is_refused(enough_and(flag("trusted_proxies", {"10.0.0.1/8"})), {"trusted_proxies", "no bits behind"}));
  EXPECT_TRUE(is_refused(enough_and(flag("trusted_proxies", {"proxy.example"})), {"trusted_proxies", "networks"}));
  EXPECT_TRUE(
      is_refused(enough_and(flag("forwarded_header", {"forwarded"})), {"forwarded_header", "needs trusted_proxies"}));
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"127.0.0.1:1?proxy=v1v2"})), {"listen", "needs trusted_proxies"}));
  EXPECT_TRUE(is_refused(enough_and(flag("listen", {"127.0.0.1:1?proxy=v3"})), {"listen", "?proxy=v1v2"}));
}

TEST(LoadConfig, ProxiesThatAreTrustedAndNotReadAreWarnedOf) {
  const auto unread = loaded(enough_and(flag("trusted_proxies", {"10.0.0.0/8"})));
  ASSERT_EQ(unread.warnings.size(), 1U);
  EXPECT_TRUE(unread.warnings[0].starts_with("trusted_proxies (flag --trusted_proxies): ")) << unread.warnings[0];
  EXPECT_NE(unread.warnings[0].find("forwarded_header"), std::string::npos) << unread.warnings[0];
  for (const auto& [name, value] : {std::pair{"forwarded_header", "forwarded"}, {"listen", "127.0.0.1:1?proxy=v1v2"}}) {
    ConfigSources read = enough_and(flag("trusted_proxies", {"10.0.0.0/8"}));
    read.flags.push_back(flag(name, {value}));
    EXPECT_TRUE(loaded(read).warnings.empty()) << name;
  }
}

TEST(LoadConfig, LimitsAreRatesAndWarnWhereNobodyIsTrusted) {
  const auto plain = loaded(enough_and(flag("limit_requests", {"100"})));
  EXPECT_EQ(plain.config.limit_requests.burst, 100);
  ASSERT_EQ(plain.warnings.size(), 1U);
  EXPECT_NE(plain.warnings[0].find("limit_requests"), std::string::npos);
  EXPECT_NE(plain.warnings[0].find("trusted_proxies"), std::string::npos);
  ConfigSources trusted = enough_and(flag("limit_requests", {"100/250"}));
  trusted.flags.push_back(flag("trusted_proxies", {"10.0.0.0/8"}));
  trusted.flags.push_back(flag("forwarded_header", {"forwarded"}));
  const auto rate = loaded(trusted);
  EXPECT_EQ(rate.config.limit_requests.per_second, 100);
  EXPECT_EQ(rate.config.limit_requests.burst, 250);
  EXPECT_TRUE(rate.warnings.empty());
  EXPECT_EQ(loaded(enough_and(flag("limit_requests", {"0"}))).config.limit_requests.per_second, 0);
  for (const char* wrong : {"0/5", "5/0", "-1", "1/2/3", "1.5", "many", "/5"}) {
    EXPECT_TRUE(is_refused(enough_and(flag("limit_requests", {wrong})), {"limit_requests", "RATE/BURST"}));
  }
}

}  // namespace
}  // namespace tailgate
