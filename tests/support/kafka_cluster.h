// A real Apache Kafka (KRaft) of one or more brokers on free ports, with its own directory, gone with the object.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

// As librdkafka and the brokers write them: name and value.
using Properties = std::map<std::string, std::string>;

struct KafkaOptions {
  int brokers = 1;
  // Over those of tests/kafka/broker.properties, on every broker.
  Properties properties = {};
  // A second listener on every broker: SASL_SSL with SCRAM-SHA-512, a certificate of an own authority for "localhost",
  // and access rules: what no rule names is allowed, KafkaAdmin::deny refuses. There is one user, kSecureUser.
  bool secure = false;
  // Behind those of tests/kafka/broker. Its heap of 512 MiB is full with some 7,000 partitions.
  std::string java_options = {};
};

inline constexpr const char* kSecureUser = "reader";
inline constexpr const char* kSecurePassword = "reader-secret";

class KafkaCluster {
 public:
  // Returns when every broker answers; throws with the brokers' logs when they do not.
  explicit KafkaCluster(KafkaOptions options = {});
  ~KafkaCluster();
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  // Plain text, everything allowed.
  std::string bootstrap() const;
  // Of one broker alone, which clients ask for the others.
  std::string bootstrap(int broker) const;
  // The listener of `secure`, by name: "localhost:…".
  std::string secure_bootstrap() const;
  // What a librdkafka client needs for it, its bootstrap.servers not among them.
  Properties secure_properties(const std::string& password = kSecurePassword) const;

  int brokers() const { return static_cast<int>(brokers_.size()); }
  // Broker ids are 1, 2, … as in Kafka's metadata; each stands in a rack of its own: rack-1, rack-2, …
  void kill_hard(int broker);
  void stop(int broker);   // clean: hands its leaders over first
  void start(int broker);  // returns when it answers
  void pause(int broker);  // it keeps its sockets and says nothing
  void resume(int broker);
  std::string log(int broker) const;
  // The folder with its partitions' logs.
  std::filesystem::path data(int broker) const { return folder_ / ("broker-" + std::to_string(broker)); }

 private:
  struct Broker {
    int port = 0;
    int controller_port = 0;
    int secure_port = 0;
    std::unique_ptr<Process> process;
  };
  Broker& at(int broker) { return brokers_.at(static_cast<std::size_t>(broker) - 1); }
  void write_config(int broker, const KafkaOptions& options);
  void launch(int broker);
  void wait_until_up(int broker);

  std::string jars_;
  TempDir folder_;
  std::optional<CertificateAuthority> authority_;
  const std::string java_options_;
  std::vector<Broker> brokers_;
};

// One for all tests of a program, started when first asked for. With TAILGATE_TEST_KAFKA=host:port it is that one, so
// that programs can share it: use topics of unique_name, leave brokers alone. Tests that hurt a broker make a
// KafkaCluster.
const std::string& shared_kafka();

// With TAILGATE_TEST_KAFKA_SECURITY=SASL_SSL the shared Kafka has a listener of KafkaOptions::secure, and servers are
// sent there; tests themselves stay on the plain one, where they are allowed everything.
bool is_shared_kafka_secured();

// What its brokers have logged. Only of one that this program has started.
std::string shared_kafka_log();

// The flags by which a server reaches the Kafka at `bootstrap`.
std::vector<std::string> kafka_flags(const std::string& bootstrap);

// `stem` and what no other test in any process has.
std::string unique_name(const std::string& stem);

}  // namespace tailgate::test
