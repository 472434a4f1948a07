#include "tests/ledger/committed_read.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

#include "base/c_handle.h"
#include "tests/ledger/ledger.h"

namespace tailgate::ledger {

namespace {

constexpr std::int64_t kDeadlineUs = 30'000'000;

using Consumer = CHandle<rd_kafka_t, rd_kafka_destroy>;
using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Message = CHandle<rd_kafka_message_t, rd_kafka_message_destroy>;

Consumer make_consumer(const std::string& bootstrap) {
  auto* const conf = rd_kafka_conf_new();
  std::array<char, 256> why{};
  for (const auto& [name, value] : std::map<std::string, std::string>{{"bootstrap.servers", bootstrap},
                                                                      {"isolation.level", "read_committed"},
                                                                      {"enable.partition.eof", "true"},
                                                                      {"fetch.wait.max.ms", "10"}}) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return {};
    }
  }
  return Consumer{rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size())};
}

std::string bytes_of(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string{} : std::string{static_cast<const char*>(bytes), size};
}

bool is_value(const ContentHash& hash, const std::optional<std::string>& value) {
  if (!value) return hash.exact == ContentHash::of(Content::null, "").exact;
  return std::ranges::any_of(std::array{Content::json, Content::text, Content::binary},
                             [&](Content content) { return hash.exact == ContentHash::of(content, *value).exact; });
}

}  // namespace

std::optional<std::map<std::int64_t, CommittedRecord>> read_committed(const std::string& bootstrap,
                                                                      const PartitionName& where) {
  std::map<std::int64_t, CommittedRecord> held;
  const auto consumer = make_consumer(bootstrap);
  if (!consumer) return std::nullopt;
  const TopicHandle topic{rd_kafka_topic_new(consumer.get(), where.topic.c_str(), nullptr)};
  if (rd_kafka_consume_start(topic.get(), where.partition, RD_KAFKA_OFFSET_BEGINNING) != 0) return std::nullopt;
  const auto deadline_us = now_us() + kDeadlineUs;
  bool is_whole = false;
  while (!is_whole && now_us() < deadline_us) {
    const Message message{rd_kafka_consume(topic.get(), where.partition, 100)};
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      is_whole = true;
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      CommittedRecord record{bytes_of(message->key, message->key_len), std::nullopt};
      if (message->payload != nullptr) record.value = bytes_of(message->payload, message->len);
      held.emplace(message->offset, std::move(record));
    }
  }
  rd_kafka_consume_stop(topic.get(), where.partition);
  if (!is_whole) return std::nullopt;
  return held;
}

std::string difference(const std::map<std::int64_t, CommittedRecord>& held, const TruePartition& truth) {
  for (const auto& [offset, record] : held) {
    const auto found = truth.records.find(offset);
    if (found == truth.records.end() || !found->second.is_committed) {
      return "Kafka holds " + std::to_string(offset) + ", which nobody committed";
    }
    if (found->second.key != record.key || !is_value(found->second.hash, record.value)) {
      return "Kafka holds other bytes at " + std::to_string(offset);
    }
  }
  const auto first = held.empty() ? 0 : held.begin()->first;
  for (auto it = truth.records.lower_bound(first); it != truth.records.end(); ++it) {
    if (it->second.is_committed && !held.empty() && !held.contains(it->first)) {
      return "Kafka lacks " + std::to_string(it->first);
    }
  }
  return "";
}

}  // namespace tailgate::ledger
