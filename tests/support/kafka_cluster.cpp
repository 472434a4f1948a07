#include "tests/support/kafka_cluster.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/kafka_client.h"
#include "tests/support/raw_connection.h"

namespace tailgate::test {
namespace {

const std::filesystem::path kKafkaFolder = std::filesystem::path{TAILGATE_SOURCE_DIR} / "tests" / "kafka";

std::string address(int port) { return "127.0.0.1:" + std::to_string(port); }

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

// librdkafka before 2.6.1 repeats its nonce in the last SCRAM message, which brokers refuse since 4.0 (CVE-2024-56128).
constexpr const char* kLastKafkaThatTakesItsScram = "3.9.1";

// The folder with the jars; fetched by scripts/setup --test, else now.
std::string jars(std::vector<std::string> version) {
  version.insert(version.begin(), kKafkaFolder / "fetch");
  auto lines = run(version);
  lines.erase(lines.find_last_not_of('\n') + 1);
  return lines.substr(lines.rfind('\n') + 1);
}

void add_secure_listener(Properties& properties, CertificateAuthority& authority) {
  const auto files = authority.issue("localhost");
  const auto keystore = files.certificate.parent_path() / "broker-keystore.pem";
  write_file(keystore, read_file(files.key) + read_file(files.certificate) + read_file(authority.ca_file()));
  properties.insert({
      {"ssl.keystore.type", "PEM"},
      {"ssl.keystore.location", keystore},
      {"sasl.enabled.mechanisms", "SCRAM-SHA-512"},
      {"listener.name.secure.scram-sha-512.sasl.jaas.config",
       "org.apache.kafka.common.security.scram.ScramLoginModule required;"},
      {"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
      {"allow.everyone.if.no.acl.found", "true"},
      {"super.users", "User:ANONYMOUS"},  // the brokers themselves, and the tests on the plain listener
  });
}

}  // namespace

KafkaCluster::KafkaCluster(KafkaOptions options)
    : jars_{jars(options.secure ? std::vector<std::string>{kLastKafkaThatTakesItsScram} : std::vector<std::string>{})},
      java_options_{options.java_options} {
  brokers_.resize(static_cast<std::size_t>(options.brokers));
  for (auto& broker : brokers_) broker = {free_port(), free_port(), options.secure ? free_port() : 0, nullptr};
  if (options.secure) add_secure_listener(options.properties, authority_.emplace());
  for (int broker = 1; broker <= brokers(); ++broker) write_config(broker, options);
  for (int broker = 1; broker <= brokers(); ++broker) launch(broker);
  for (int broker = 1; broker <= brokers(); ++broker) wait_until_up(broker);
}

KafkaCluster::~KafkaCluster() = default;

void KafkaCluster::write_config(int broker, const KafkaOptions& options) {
  std::vector<std::string> voters;
  for (int voter = 1; voter <= brokers(); ++voter)
    voters.push_back(std::to_string(voter) + "@" + address(at(voter).controller_port));
  const auto& ports = at(broker);
  auto listeners = "PLAINTEXT://" + address(ports.port);
  auto advertised = listeners;
  if (options.secure) {
    listeners += ",SECURE://" + address(ports.secure_port);
    advertised += ",SECURE://localhost:" + std::to_string(ports.secure_port);
  }
  Properties properties{
      {"node.id", std::to_string(broker)},
      {"controller.quorum.voters", join(voters)},
      {"listeners", listeners + ",CONTROLLER://" + address(ports.controller_port)},
      {"advertised.listeners", advertised},
      {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL"},
      {"log.dirs", folder_ / ("broker-" + std::to_string(broker))},
      {"broker.rack", "rack-" + std::to_string(broker)},
  };
  for (const auto& [name, value] : options.properties) properties[name] = value;
  auto text = read_file(kKafkaFolder / "broker.properties");
  for (const auto& [name, value] : properties) text += name + "=" + value + "\n";
  write_file(folder_ / (std::to_string(broker) + ".properties"), text);
}

void KafkaCluster::launch(int broker) {
  const auto name = std::to_string(broker);
  std::vector<std::string> command{kKafkaFolder / "broker", folder_ / (name + ".properties")};
  if (authority_)
    command.insert(command.end(), {"--add-scram", std::string{"SCRAM-SHA-512=[name="} + kSecureUser +
                                                      ",password=" + kSecurePassword + "]"});
  Properties environment{{"KAFKA_JARS", jars_}, {"KAFKA_JAVA_OPTIONS", java_options_}};
  // Who was refused, a line each.
  if (authority_)
    environment["KAFKA_JAVA_OPTIONS"] += " -Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.network.Selector=info";
  at(broker).process = std::make_unique<Process>(command, folder_ / (name + ".log"), environment);
}

void KafkaCluster::wait_until_up(int broker) {
  auto& process = *at(broker).process;
  const auto deadline = in(std::chrono::seconds{90});
  // librdkafka tries an address once a second: let it come when there is somebody.
  bool is_up = eventually([&] { return RawConnection::is_open(at(broker).port) || !process.is_running(); }, deadline);
  const KafkaClient client{RD_KAFKA_PRODUCER, {{"bootstrap.servers", address(at(broker).port)}}};
  const auto knows_itself = [&] {
    const auto metadata = client.metadata(nullptr, std::chrono::seconds{1});
    for (int i = 0; metadata && i < metadata->broker_cnt; ++i)
      if (metadata->brokers[i].id == broker) return true;
    return !process.is_running();
  };
  is_up = is_up && eventually(knows_itself, deadline) && process.is_running();
  if (!is_up) throw std::runtime_error("Kafka did not start:\n" + log(broker));
}

std::string KafkaCluster::bootstrap() const {
  std::vector<std::string> addresses;
  for (const auto& broker : brokers_) addresses.push_back(address(broker.port));
  return join(addresses);
}

std::string KafkaCluster::bootstrap(int broker) const {
  return address(brokers_.at(static_cast<std::size_t>(broker) - 1).port);
}

std::string KafkaCluster::secure_bootstrap() const {
  std::vector<std::string> addresses;
  for (const auto& broker : brokers_) addresses.push_back("localhost:" + std::to_string(broker.secure_port));
  return join(addresses);
}

Properties KafkaCluster::secure_properties(const std::string& password) const {
  return {{"security.protocol", "SASL_SSL"},
          {"sasl.mechanism", "SCRAM-SHA-512"},
          {"sasl.username", kSecureUser},
          {"sasl.password", password},
          {"ssl.ca.location", authority_.value().ca_file()},
          {"ssl.endpoint.identification.algorithm", "https"}};
}

void KafkaCluster::kill_hard(int broker) { at(broker).process->kill_hard(); }

void KafkaCluster::stop(int broker) {
  at(broker).process->signal(SIGTERM);
  if (!at(broker).process->wait(in(std::chrono::seconds{60}))) kill_hard(broker);
}

void KafkaCluster::start(int broker) {
  launch(broker);
  wait_until_up(broker);
}

void KafkaCluster::pause(int broker) { at(broker).process->signal(SIGSTOP); }

void KafkaCluster::resume(int broker) { at(broker).process->signal(SIGCONT); }

std::string KafkaCluster::log(int broker) const { return read_file(folder_ / (std::to_string(broker) + ".log")); }

namespace {

// Outlives the tests and not the program: static destruction would come after what it needs is gone.
class SharedKafka final : public testing::Environment {
 public:
  void TearDown() override { cluster_.reset(); }
  const std::string& bootstrap() {
    if (!bootstrap_.empty()) return bootstrap_;
    if (const char* given = std::getenv("TAILGATE_TEST_KAFKA"); given != nullptr && *given != '\0') {
      bootstrap_ = given;
    } else {
      cluster_.emplace(KafkaOptions{.secure = is_shared_kafka_secured()});
      bootstrap_ = cluster_->bootstrap();
    }
    return bootstrap_;
  }
  const std::optional<KafkaCluster>& cluster() const { return cluster_; }

 private:
  std::optional<KafkaCluster> cluster_;
  std::string bootstrap_;
};

// Owned by GoogleTest.
auto* const the_shared_kafka = static_cast<SharedKafka*>(testing::AddGlobalTestEnvironment(new SharedKafka));

}  // namespace

const std::string& shared_kafka() { return the_shared_kafka->bootstrap(); }

bool is_shared_kafka_secured() {
  const char* security = std::getenv("TAILGATE_TEST_KAFKA_SECURITY");
  return security != nullptr && security == std::string_view{"SASL_SSL"};
}

std::string shared_kafka_log() { return the_shared_kafka->cluster().value().log(1); }

std::vector<std::string> kafka_flags(const std::string& bootstrap) {
  const auto& cluster = the_shared_kafka->cluster();
  if (!is_shared_kafka_secured() || !cluster || cluster->bootstrap() != bootstrap) return {"--kafka", bootstrap};
  std::vector<std::string> flags{"--kafka", cluster->secure_bootstrap()};
  for (const auto& [name, value] : cluster->secure_properties()) {
    flags.insert(flags.end(), {"--librdkafka", name + "=" + value});
  }
  return flags;
}

std::string unique_name(const std::string& stem) {
  // Process ids come again, and topics of a shared Kafka stay.
  static const auto program = std::to_string(std::random_device{}());
  static std::atomic<int> count{0};
  return stem + "-" + program + "-" + std::to_string(++count);
}

}  // namespace tailgate::test
