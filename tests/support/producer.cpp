#include "tests/support/producer.h"

#include <stdexcept>

#include "tests/support/wait.h"

namespace tailgate::test {
namespace {

constexpr int kTimeoutMs = 60'000;
constexpr std::chrono::milliseconds kOneAttempt{2'000};

using ErrorHandle = CHandle<rd_kafka_error_t, rd_kafka_error_destroy>;
using Queue = CHandle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = CHandle<rd_kafka_event_t, rd_kafka_event_destroy>;
using Headers = CHandle<rd_kafka_headers_t, rd_kafka_headers_destroy>;

void require(rd_kafka_error_t* error, const char* what) {
  const ErrorHandle owned{error};
  if (owned) throw std::runtime_error(std::string{what} + ": " + rd_kafka_error_string(owned.get()));
}

void require(rd_kafka_resp_err_t error, const char* what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(std::string{what} + ": " + rd_kafka_err2str(error));
}

std::map<std::string, std::string> all_properties(const std::string& bootstrap, const std::string& transactional_id,
                                                  const std::map<std::string, std::string>& properties) {
  std::map<std::string, std::string> all{{"bootstrap.servers", bootstrap},
                                         {"enable.idempotence", "true"},
                                         {"linger.ms", "1"},
                                         {"message.timeout.ms", "30000"},
                                         {"message.max.bytes", "20000000"},
                                         {"socket.nagle.disable", "true"},
                                         {"queue.buffering.max.messages", "2000000"}};
  if (!transactional_id.empty()) all["transactional.id"] = transactional_id;
  for (const auto& [name, value] : properties) all[name] = value;
  return all;
}

// Null for none. An empty text is not none: its pointer says so.
void* pointer(const std::optional<std::string>& text) { return text ? const_cast<char*>(text->data()) : nullptr; }

std::size_t size(const std::optional<std::string>& text) { return text ? text->size() : 0; }

// librdkafka copies it; `offset` gets where it went once it is acknowledged.
void produce(rd_kafka_t* handle, const std::string& topic, int partition, const NewRecord& record,
             std::int64_t& offset) {
  Headers headers{rd_kafka_headers_new(record.headers.size())};
  for (const auto& [name, value] : record.headers)
    require(rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), pointer(value),
                                static_cast<ssize_t>(size(value))),
            "header");
  require(rd_kafka_producev(
              handle, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(pointer(record.value), size(record.value)),
              RD_KAFKA_V_KEY(pointer(record.key), size(record.key)), RD_KAFKA_V_TIMESTAMP(record.timestamp_ms),
              RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(&offset), RD_KAFKA_V_END),
          "produce");
  static_cast<void>(headers.release());  // belongs to the message now
}

}  // namespace

Producer::Producer(const std::string& bootstrap, const std::string& transactional_id,
                   const std::map<std::string, std::string>& properties)
    : client_{RD_KAFKA_PRODUCER, all_properties(bootstrap, transactional_id, properties)} {
  if (!transactional_id.empty()) require(rd_kafka_init_transactions(client_.get(), kTimeoutMs), "init transactions");
}

std::vector<std::int64_t> Producer::send(const std::string& topic, int partition,
                                         const std::vector<NewRecord>& records) {
  // librdkafka would hear of new partitions only after a while. Where the only broker that it has asked so far has
  // fallen silent since, it goes on with what it knows.
  const bool is_known = known_.contains(topic);
  if (!client_.metadata(topic.c_str(), is_known ? kOneAttempt : kPatience) && !is_known)
    throw std::runtime_error("produce: no metadata of " + topic);
  known_.insert(topic);
  std::vector<std::int64_t> offsets(records.size(), -1);
  for (std::size_t i = 0; i < records.size(); ++i) produce(client_.get(), topic, partition, records[i], offsets[i]);

  const Queue reports{rd_kafka_queue_get_main(client_.get())};
  for (std::size_t reported = 0; reported < records.size();) {
    const Event event{rd_kafka_queue_poll(reports.get(), kTimeoutMs)};
    if (!event) throw std::runtime_error("produce: no acknowledgement");
    while (const auto* message = rd_kafka_event_message_next(event.get())) {
      require(message->err, "produce");
      *static_cast<std::int64_t*>(message->_private) = message->offset;
      ++reported;
    }
  }
  return offsets;
}

std::int64_t Producer::send(const std::string& topic, int partition, NewRecord record) {
  return send(topic, partition, std::vector{std::move(record)}).front();
}

void Producer::begin() { require(rd_kafka_begin_transaction(client_.get()), "begin transaction"); }

void Producer::commit() { require(rd_kafka_commit_transaction(client_.get(), kTimeoutMs), "commit transaction"); }

void Producer::abort() { require(rd_kafka_abort_transaction(client_.get(), kTimeoutMs), "abort transaction"); }

}  // namespace tailgate::test
