#include "streams/kafka_consumer.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string_view>

namespace tailgate {

namespace {

constexpr std::uint64_t kWake = 1;  // what is written to the eventfd

std::string_view bytes_of(const void* bytes, std::size_t size) { return {static_cast<const char*>(bytes), size}; }

}  // namespace

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaOptions& options, KafkaRole role, int wake_fd,
                                                           KafkaReports& reports) {
  auto client = open_kafka(options, role, reports);
  if (!client) return client.error();
  return std::unique_ptr<KafkaConsumer>{new KafkaConsumer{std::move(*client), options, wake_fd}};
}

KafkaConsumer::KafkaConsumer(KafkaClient client, const KafkaOptions& options, int wake_fd)
    : client_{std::move(client)}, queue_{rd_kafka_queue_new(client_.get())}, max_event_bytes_{options.max_event_bytes} {
  if (wake_fd >= 0) rd_kafka_queue_io_event_enable(queue_.get(), wake_fd, &kWake, sizeof kWake);
}

KafkaConsumer::~KafkaConsumer() {
  for (auto& [name, topic] : topics_) {
    for (auto& [number, partition] : topic->partitions) {
      if (partition.is_started) rd_kafka_consume_stop(topic->handle.get(), number);
    }
  }
  rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
}

KafkaConsumer::KnownTopic& KafkaConsumer::topic_of(const std::string& name) {
  auto& known = topics_[name];
  if (!known) {
    known = std::make_unique<KnownTopic>();
    rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(client_.get());
    rd_kafka_topic_conf_set_opaque(conf, known.get());
    known->handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), conf));  // takes conf
    assert(known->handle);  // refused only for names that no topic can have
  }
  return *known;
}

void KafkaConsumer::start(const TopicPartition& name, Offset next) {
  assert(next >= 0);
  KnownTopic& topic = topic_of(name.topic);
  Partition& partition = topic.partitions[name.partition];
  assert(!partition.is_started);  // librdkafka would let the second start take over in silence
  if (partition.name.topic.empty()) partition.name = name;
  partition.next = next;
  partition.started_in = batch_number_;
  partition.headers.reset();
  if (rd_kafka_consume_start_queue(topic.handle.get(), name.partition, next, queue_.get()) != 0) {
    failed_.emplace_back(name, rd_kafka_err2str(rd_kafka_last_error()));
    return;
  }
  partition.is_started = true;
}

void KafkaConsumer::stop(const TopicPartition& name) {
  const auto topic = topics_.find(name.topic);
  if (topic == topics_.end()) return;
  const auto partition = topic->second->partitions.find(name.partition);
  if (partition == topic->second->partitions.end() || !partition->second.is_started) return;
  partition->second.is_started = false;
  rd_kafka_consume_stop(topic->second->handle.get(), name.partition);
}

std::size_t KafkaConsumer::poll(ConsumerEvents& events, std::size_t records_max) {
  rd_kafka_poll(client_.get(), 0);  // runs on_error of kafka_handle.cpp
  for (auto& [name, text] : std::exchange(failed_, {})) events.on_error(name, text);
  if (batch_.size() < records_max) batch_.resize(records_max);
  ++batch_number_;
  const ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data(), records_max);
  if (got <= 0) return 0;
  const auto count = static_cast<std::size_t>(got);
  for (std::size_t i = 0; i < count; ++i) {
    give(*batch_[i], events);
    rd_kafka_message_destroy(batch_[i]);
  }
  return count;
}

Offset KafkaConsumer::end_of_log(const TopicPartition& partition) {
  Offset begin = 0;
  Offset end = 0;
  const auto error =
      rd_kafka_get_watermark_offsets(client_.get(), partition.topic.c_str(), partition.partition, &begin, &end);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? std::max<Offset>(end, 0) : 0;
}

KafkaConsumer::Partition* KafkaConsumer::partition_of(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return nullptr;
  auto& partitions = static_cast<KnownTopic*>(rd_kafka_topic_opaque(message.rkt))->partitions;
  const auto found = partitions.find(message.partition);
  return found == partitions.end() ? nullptr : &found->second;
}

void KafkaConsumer::give(const rd_kafka_message_t& message, ConsumerEvents& events) {
  Partition* partition = partition_of(message);
  if (partition == nullptr || !partition->is_started || partition->started_in == batch_number_) return;
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      give_record(*partition, message, events);
      return;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      partition->next = std::max(partition->next, message.offset);
      events.on_end(partition->name, partition->next);
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      stop(partition->name);
      events.on_out_of_range(partition->name, partition->next);
      return;
    default: {
      const std::string text = std::string{rd_kafka_err2name(message.err)} + ": " + rd_kafka_message_errstr(&message);
      if (message.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        events.on_refused(partition->name, text);
      } else {
        events.on_error(partition->name, text);
      }
    }
  }
}

void KafkaConsumer::give_record(Partition& partition, const rd_kafka_message_t& message, ConsumerEvents& events) {
  if (message.offset < partition.next) {
    below_position_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  partition.next = message.offset + 1;
  RecordView record;
  record.offset = message.offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t timestamp_ms = rd_kafka_message_timestamp(&message, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) record.timestamp_ms = timestamp_ms;
  if (message.key != nullptr) record.key = bytes_of(message.key, message.key_len);
  if (message.payload != nullptr) record.value = bytes_of(message.payload, message.len);
  if (!partition.headers) partition.headers = events.headers_of(partition.name);
  if (*partition.headers == Headers::read) {
    pack_headers(message);
    record.headers = headers_;
  }
  bound(record);
  events.on_record(partition.name, record);
}

// What is shown without headers is the same whether they were read or not.
void KafkaConsumer::bound(RecordView& record) const {
  const std::size_t key_bytes = record.key.value_or("").size();
  const std::size_t value_bytes = record.value.value_or("").size();
  const std::size_t bytes = key_bytes + value_bytes;
  if (bytes + record.headers.size() <= max_event_bytes_) return;
  if (bytes > max_event_bytes_) {
    record.oversize_bytes = value_bytes > max_event_bytes_ ? value_bytes : bytes;
    record.value.reset();
  } else {
    record.oversize_bytes = bytes + record.headers.size();
    record.has_oversize_headers = true;
  }
  if (key_bytes + record.headers.size() > max_event_bytes_) record.headers = {};
  if (key_bytes > max_event_bytes_) record.key.reset();
}

void KafkaConsumer::pack_headers(const rd_kafka_message_t& message) {
  headers_.clear();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    std::optional<std::string_view> bytes;
    if (value != nullptr) bytes = bytes_of(value, size);
    RecordHeaders::pack(headers_, name, bytes);
  }
}

}  // namespace tailgate
