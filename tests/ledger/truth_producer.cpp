#include "tests/ledger/truth_producer.h"

#include <array>
#include <memory>

#include "tests/ledger/ledger.h"

namespace tailgate::ledger {

namespace {
constexpr int kFlushMs = 30'000;
}

struct TruthProducer::Pending {
  PartitionName where;
  TrueRecord record;
};

TruthProducer::TruthProducer(const std::string& bootstrap, Truth& truth, const std::string& transactional_id,
                             const std::string& compression)
    : truth_{truth}, is_transactional_{!transactional_id.empty()} {
  auto* const conf = rd_kafka_conf_new();
  const auto set = [&](const char* name, const std::string& value) {
    std::array<char, 256> why{};
    if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK) failure_ = why.data();
  };
  set("bootstrap.servers", bootstrap);
  set("enable.idempotence", "true");
  // With several requests under way, librdkafka may give up over their order when a broker is killed.
  set("max.in.flight.requests.per.connection", "1");
  set("linger.ms", "5");
  set("compression.codec", compression);
  set("socket.nagle.disable", "true");
  set("topic.metadata.refresh.interval.ms", "500");
  if (is_transactional_) set("transactional.id", transactional_id);
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  std::array<char, 256> why{};
  producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size()));
  if (!producer_) {
    failure_ = why.data();
    rd_kafka_conf_destroy(conf);
    return;
  }
  if (is_transactional_) note("init_transactions", rd_kafka_init_transactions(producer_.get(), kFlushMs));
}

TruthProducer::~TruthProducer() {
  if (producer_) rd_kafka_flush(producer_.get(), kFlushMs);
}

void TruthProducer::note(const std::string& what, rd_kafka_error_t* error) {
  if (error == nullptr) return;
  failure_ = what + ": " + rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
}

bool TruthProducer::produce(const PartitionName& where, const Payload& payload) {
  auto pending = std::make_unique<Pending>();
  pending->where = where;
  pending->record.sent_us = now_us();
  pending->record.key = payload.key.value_or("");
  pending->record.hash = ContentHash::of(payload.content, payload.value.value_or(""));
  // librdkafka copies both; its interface is not const.
  const void* const key = payload.key ? payload.key->data() : nullptr;
  const auto key_size = payload.key ? payload.key->size() : 0;
  auto* const value = payload.value ? const_cast<char*>(payload.value->data()) : nullptr;
  const auto value_size = payload.value ? payload.value->size() : 0;
  const auto error =
      rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(where.topic.c_str()), RD_KAFKA_V_PARTITION(where.partition),
                        RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_VALUE(value, value_size),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(pending.get()), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) return false;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    failure_ = std::string{"produce: "} + rd_kafka_err2str(error);
    return false;
  }
  static_cast<void>(pending.release());  // the delivery report's now
  return true;
}

void TruthProducer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  auto& producer = *static_cast<TruthProducer*>(self);
  const std::unique_ptr<Pending> pending{static_cast<Pending*>(message->_private)};
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    // Of a transaction that is aborted the rest is purged: it is nowhere.
    if (!producer.is_transactional_) producer.failure_ = std::string{"delivery: "} + rd_kafka_err2str(message->err);
    return;
  }
  if (producer.is_transactional_) {
    producer.in_transaction_.push_back({{pending->where, message->offset}, std::move(pending->record)});
    return;
  }
  pending->record.is_committed = true;
  producer.truth_.add(pending->where, message->offset, std::move(pending->record));
}

void TruthProducer::poll() { rd_kafka_poll(producer_.get(), 0); }

void TruthProducer::flush() {
  const auto error = rd_kafka_flush(producer_.get(), kFlushMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) failure_ = std::string{"flush: "} + rd_kafka_err2str(error);
}

void TruthProducer::begin() { note("begin", rd_kafka_begin_transaction(producer_.get())); }

void TruthProducer::commit() {
  flush();
  const auto commit_us = now_us();
  for (auto& [place, record] : in_transaction_) record.sent_us = commit_us;
  note("commit", rd_kafka_commit_transaction(producer_.get(), kFlushMs));
  end(true);
}

void TruthProducer::abort() {
  flush();  // so that the aborted records are really in the log
  note("abort", rd_kafka_abort_transaction(producer_.get(), kFlushMs));
  end(false);
}

void TruthProducer::end(bool is_committed) {
  for (auto& [place, record] : in_transaction_) {
    record.is_committed = is_committed;
    truth_.add(place.first, place.second, std::move(record));
  }
  in_transaction_.clear();
}

}  // namespace tailgate::ledger
