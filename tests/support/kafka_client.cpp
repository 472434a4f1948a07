#include "tests/support/kafka_client.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/support/wait.h"

namespace tailgate::test {

using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;

constexpr std::chrono::milliseconds kAttempt{2'000};

KafkaClient::KafkaClient(rd_kafka_type_t type, const std::map<std::string, std::string>& properties) {
  std::array<char, 512> reason{};
  CHandle<rd_kafka_conf_t, rd_kafka_conf_destroy> conf{rd_kafka_conf_new()};
  // A broker that is not up yet is asked again at once, and what it says is no news to the reader of a test's output.
  std::map<std::string, std::string> all{{"reconnect.backoff.max.ms", "200"}, {"log_level", "2"}};
  for (const auto& [name, value] : properties) all[name] = value;
  for (const auto& [name, value] : all)
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), reason.data(), reason.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(reason.data());
  // Producer polls for what became of its messages.
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR);
  handle_.reset(rd_kafka_new(type, conf.get(), reason.data(), reason.size()));
  if (!handle_) throw std::runtime_error(reason.data());
  static_cast<void>(conf.release());  // belongs to the handle now
}

KafkaMetadata KafkaClient::metadata(const char* topic, std::chrono::milliseconds timeout) const {
  const TopicHandle named{topic != nullptr ? rd_kafka_topic_new(get(), topic, nullptr) : nullptr};
  const Deadline deadline = in(timeout);
  const rd_kafka_metadata_t* metadata = nullptr;
  // A request goes to some broker, maybe to one that says nothing; the next may go to another.
  const auto attempt = static_cast<int>(std::min(timeout, kAttempt).count());
  while (rd_kafka_metadata(get(), named ? 0 : 1, named.get(), &metadata, attempt) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (Clock::now() >= deadline) return nullptr;
  }
  return KafkaMetadata{metadata};
}

}  // namespace tailgate::test
