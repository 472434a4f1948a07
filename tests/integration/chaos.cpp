#include "tests/integration/chaos.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/http_client.h"
#include "tests/support/wait.h"

namespace tailgate::test {

using namespace std::chrono_literals;

namespace {

constexpr int kReplicas = 3;
constexpr int kWitnesses = 6;  // nobody cuts them but what fails here

Properties broker_properties(int brokers) {
  if (brokers < 3) return {};
  return {
      {"min.insync.replicas", "2"}, {"unclean.leader.election.enable", "false"}, {"default.replication.factor", "3"}};
}

}  // namespace

int chaos_setting(const char* name, int otherwise) {
  const auto* const given = std::getenv(name);
  return given != nullptr ? std::atoi(given) : otherwise;
}

void Chaos::start_kafka(int brokers) {
  kafka = std::make_unique<KafkaCluster>(KafkaOptions{.brokers = brokers, .properties = broker_properties(brokers)});
  KafkaAdmin admin{kafka->bootstrap()};
  topic = admin.make_topic("chaos", {.partitions = kPartitions, .replication = brokers});
  other = admin.make_topic("other", {.partitions = kOtherPartitions, .replication = brokers});
  // Heartbeats come every 2 s; the rest is for two instrumented cores.
  rules.silence_max_us = 12'000'000;
  rules.away_max_us = 12'000'000;
  rules.refusals_are_soft = true;
}

void Chaos::start_replicas(const std::string& redis_url) {
  std::vector<Backend> backends;
  for (int i = 0; i < kReplicas; ++i) {
    TailgateOptions options;
    options.kafka = kafka->bootstrap();
    options.topics = topic + "," + other;
    options.drain_delay = "3s";
    options.flags = {"--heartbeat", "2s",      "--retry", "100ms",           "--threads", "2",         "--drain",
                     "4s",          "--redis", redis_url, "--limit-streams", "10000",     "--gzip=on", "--zstd=on"};
    adapt(i, options);
    replicas.push_back(std::make_unique<TailgateProcess>(options));
    backends.push_back({replicas.back()->port(), replicas.back()->admin_port(), options.host});
  }
  balancer = Balancer::haproxy(backends);
  // A topic that was made a moment ago is not known to every broker, and so not to every replica.
  for (const auto& replica : replicas) {
    for (const auto& name : {topic, other}) {
      const auto is_known = [&] { return fetch({.url = replica->url("/topics/" + name)}).status == 200; };
      if (!eventually(is_known)) throw std::runtime_error{"a replica does not hear of " + name};
    }
  }
}

void Chaos::start_clients(int clients) {
  RecordProperty("seed", std::to_string(seed_));
  writers_.emplace(kafka->bootstrap(), topic, other, seed_, truth_,
                   WriterOptions{.has_transactions = false, .deletes_old = false, .pause = 200ms});
  for (int i = 0; i < clients - kWitnesses; ++i) book_.add_client(plan_of(i, topic, other));
  for (int i = 0; i < kWitnesses; ++i) book_.add_client(plan_of_witness(i, topic, other));
  ledger::SwarmSettings settings;
  settings.seed = seed_;
  settings.ports = {static_cast<std::uint16_t>(balancer->port())};
  settings.cut_bytes_max = 300'000;
  settings.hides_cuts_of_h2 = true;
  swarm_ = std::make_unique<ledger::Swarm>(book_, settings);
  timeline.note("the clients start");
  wait_for_traffic();
}

void Chaos::wait_for_traffic() {
  const auto enough = swarm_->cuts() + static_cast<std::uint64_t>(book_.plans().size()) * 2;
  EXPECT_TRUE(eventually([&] { return swarm_->cuts() >= enough; }, in(60s))) << swarm_->cuts();
}

void Chaos::let_pass(std::chrono::milliseconds span) {
  EXPECT_FALSE(eventually([] { return false; }, in(span)));
}

void Chaos::expect_all_to_be_well() {
  ASSERT_NO_FATAL_FAILURE(
      expect_everything_seen_once({kafka->bootstrap(), seed_, *writers_, truth_, book_, *swarm_, timeline}, rules));
  EXPECT_GT(writers_->produced(), 1000U);
  EXPECT_TRUE(eventually([&] { return streams_open().empty(); })) << streams_open();
  for (const auto& replica : replicas) EXPECT_TRUE(replica->is_running());
  for (const std::string coding : {"gzip", "zstd"}) {
    const auto compressed = [&](const auto& replica) {
      return replica->metric("tailgate_compressed_shared_bytes_total{coding=\"" + coding + "\"}") > 0;
    };
    EXPECT_TRUE(std::ranges::any_of(replicas, compressed)) << coding;
  }
}

std::string Chaos::streams_open() const {
  std::string open;
  for (const auto& replica : replicas) {
    for (const std::string representation : {"sse", "sse_envelope", "ndjson", "json"}) {
      for (const std::string state : {"live", "ahead", "behind"}) {
        const auto name = "tailgate_streams{representation=\"" + representation + "\",state=\"" + state + "\"}";
        const auto value = replica->metric(name);
        if (value != 0) open += name + " " + (value ? std::to_string(*value) : "is missing") + "\n";
      }
    }
    if (replica->metric("tailgate_limit_slots") != 0) open += "slots of streams\n";
  }
  return open;
}

}  // namespace tailgate::test
