// A producer whose acknowledgements become the truth.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "tests/ledger/payload.h"
#include "tests/ledger/truth.h"

namespace tailgate::ledger {

// Idempotent; with a transactional id everything is written between begin() and commit() or abort().
// Threads: one. The truth outlives it.
class TruthProducer {
 public:
  TruthProducer(const std::string& bootstrap, Truth& truth, const std::string& transactional_id = "",
                const std::string& compression = "none");
  ~TruthProducer();
  TruthProducer(const TruthProducer&) = delete;
  TruthProducer& operator=(const TruthProducer&) = delete;

  // False: it has not heard of the partition yet.
  bool produce(const PartitionName& where, const Payload& payload);
  // Takes what has been acknowledged so far; never waits.
  void poll();
  // Until all is acknowledged.
  void flush();
  void begin();
  void commit();
  void abort();
  // What went wrong, for a test to look at; "" when all was acknowledged as it should.
  const std::string& failure() const { return failure_; }

 private:
  struct Pending;
  static void on_delivery(rd_kafka_t* producer, const rd_kafka_message_t* message, void* self);
  void end(bool is_committed);
  void note(const std::string& what, rd_kafka_error_t* error);

  Truth& truth_;
  bool is_transactional_;
  std::string failure_;
  std::vector<std::pair<std::pair<PartitionName, std::int64_t>, TrueRecord>> in_transaction_;
  CHandle<rd_kafka_t, rd_kafka_destroy> producer_;
};

}  // namespace tailgate::ledger
