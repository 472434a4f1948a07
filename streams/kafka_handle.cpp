#include "streams/kafka_handle.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate {

namespace {

using Conf = CHandle<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using Properties = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kRack = "client.rack";

constexpr std::array<std::string_view, 24> kFixed{
    "metadata.broker.list",
    "bootstrap.servers",
    "plugin.library.paths",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "check.crcs",
    "enable.partition.eof",
    "auto.offset.reset",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "allow.auto.create.topics",
    "log.queue",
    "opaque",
    "queued.min.messages",
    "queued.max.messages.kbytes",
    "fetch.wait.max.ms",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "max.partition.fetch.bytes",
    "receive.message.max.bytes",
    "test.mock.num.brokers",
};

Properties properties_of(const KafkaOptions& options, KafkaRole role) {
  Properties properties{
      {"bootstrap.servers", options.bootstrap},
      {"client.id", options.client_id},
      {"enable.auto.commit", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"check.crcs", "true"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.max.ms", "2000"},
      {"receive.message.max.bytes", "67108864"},
      {"socket.timeout.ms", "30000"},
      {"fetch.min.bytes", "1"},
      {"isolation.level", role == KafkaRole::admin_uncommitted ? "read_uncommitted" : "read_committed"},
  };
  const auto add = [&properties](const char* name, const char* value) { properties.emplace_back(name, value); };
  if (!options.is_mock) add("allow.auto.create.topics", "false");  // the mock does not know it: each handle would warn
  switch (role) {
    case KafkaRole::live:
      // Its owner always drains: the limits of the queue, which would stall fetching for up to a second, are out of
      // reach.
      add("fetch.wait.max.ms", options.is_mock ? "5" : "100");
      add("fetch.message.max.bytes", "1048576");
      add("fetch.max.bytes", "16777216");
      add("queued.min.messages", "1000000");
      add("queued.max.messages.kbytes", "65536");
      add("topic.metadata.refresh.interval.ms", "30000");
      break;
    case KafkaRole::catch_up:
      add("fetch.wait.max.ms", options.is_mock ? "5" : "10");
      add("fetch.message.max.bytes", "1048576");
      add("fetch.max.bytes", "8388608");
      add("queued.min.messages", "1000000");
      add("queued.max.messages.kbytes", "65536");
      add("topic.metadata.refresh.interval.ms", "30000");
      break;
    case KafkaRole::admin_committed:
    case KafkaRole::admin_uncommitted:
      add("topic.metadata.refresh.interval.ms", "-1");  // the catalog asks by itself
      // Lookups find leaders in the handle's own cache: one that is older than the catalog's does not know new
      // partitions.
      add("metadata.max.age.ms", "3000");
      add("socket.timeout.ms", "5000");  // a broker that says nothing gets a new connection
      break;
  }
  return properties;
}

void on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
  auto* reports = static_cast<KafkaReports*>(opaque);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  const std::string text = std::string{reason} + " (" + rd_kafka_name(handle) + ")";
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      reports->report(ReportLevel::error, "authentication", "the brokers refuse the credentials: " + text);
      return;
    case RD_KAFKA_RESP_ERR__SSL:
      reports->report(ReportLevel::error, "tls", "TLS to the brokers fails: " + text);
      return;
    default:
      reports->report(ReportLevel::warning, rd_kafka_err2name(error), text);
  }
}

void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  constexpr int kWarning = 4;  // as in syslog
  const std::string_view kind{facility};
  // What a connection failed of comes through on_error as well.
  if (level > kWarning || kind == "FAIL" || kind == "ERROR") return;
  auto* reports = static_cast<KafkaReports*>(rd_kafka_opaque(handle));
  reports->report(ReportLevel::warning, std::string{kind}, text);
}

}  // namespace

bool is_fixed_kafka_property(const std::string& name) {
  for (const auto fixed : kFixed) {
    if (name == fixed) return true;
  }
  return false;
}

Result<void> check_kafka_property(const std::string& name, const std::string& value) {
  const Conf conf{rd_kafka_conf_new()};
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) return {};
  return Error{ErrorCode::bad_config, std::string{why.data()} + " (librdkafka's CONFIGURATION.md has all of them)"};
}

bool reads_followers(const KafkaOptions& options) {
  const auto rack = options.properties.find(kRack);
  return rack != options.properties.end() && !rack->second.empty();
}

KafkaOptions from_leaders(KafkaOptions options) {
  options.properties.erase(kRack);
  return options;
}

Result<KafkaClient> open_kafka(const KafkaOptions& options, KafkaRole role, KafkaReports& reports) {
  Conf conf{rd_kafka_conf_new()};
  std::array<char, 512> why{};
  const auto set = [&](const std::string& name, const std::string& value) {
    return rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK;
  };
  for (const auto& [name, value] : properties_of(options, role)) {
    if (!set(name, value)) return Error{ErrorCode::bad_config, name + ": " + why.data()};
  }
  for (const auto& [name, value] : options.properties) {
    if (is_fixed_kafka_property(name))
      return Error{ErrorCode::bad_config, name + " cannot be set: tailgate needs its own value"};
    if (!set(name, value)) return Error{ErrorCode::bad_config, name + ": " + why.data()};
  }
  rd_kafka_conf_set_opaque(conf.get(), &reports);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  KafkaClient client{rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), why.data(), why.size())};
  if (!client) return Error{ErrorCode::bad_config, std::string{"librdkafka: "} + why.data()};
  static_cast<void>(conf.release());  // the handle's now
  return client;
}

}  // namespace tailgate
