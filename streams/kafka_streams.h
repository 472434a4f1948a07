// All that reads Kafka, put together: the catalog, the tails and the history, with their handles and threads.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "streams/consumer.h"
#include "streams/exposure.h"
#include "streams/kafka_catalog.h"
#include "streams/kafka_handle.h"
#include "streams/kafka_reports.h"
#include "streams/page_history.h"
#include "streams/split_consumer.h"
#include "streams/step_loop.h"
#include "streams/step_thread.h"
#include "streams/tail_reader.h"

namespace tailgate {

struct KafkaStreamsOptions {
  KafkaOptions kafka;
  TailOptions tails;
  HistoryOptions history;
  std::size_t history_consumers = 2;
  std::size_t live_partitions_max = 2'000;  // of one LIVE handle; what is more gets another
};

// Handles and threads do not depend on the number of clients: two ADMIN handles, `history_consumers` CATCH-UP, one LIVE
// for every live_partitions_max partitions; a thread each for tails, history and catalog, and the catalog's lookups.
// Where a rack is configured, each of the handles that read may get a second one, which reads leaders
// (rack_consumer.h).
//
// Threads: made and destroyed by one. The io loops outlive it; Follows are destroyed before it.
class KafkaStreams {
 public:
  // `loop_index`: the first index free behind those of the io loops. Kafka need not answer yet.
  static Result<std::unique_ptr<KafkaStreams>> open(const KafkaStreamsOptions& options, Exposure exposure,
                                                    const Clock& clock, KafkaReports::Log log, std::size_t loop_index);

  KafkaCatalog& catalog() { return *catalog_; }
  TailReader& tails() { return *tails_; }
  PageHistory& history() { return *history_; }
  const KafkaReports& reports() const { return reports_; }

 private:
  KafkaStreams(const Clock& clock, KafkaReports::Log log, std::size_t loop_index);

  KafkaReports reports_;
  StepLoop tail_loop_;
  StepLoop history_loop_;
  std::unique_ptr<KafkaCatalog> catalog_;
  std::vector<std::unique_ptr<Consumer>> history_consumers_;
  std::unique_ptr<SplitConsumer> tail_consumer_;
  std::unique_ptr<PageHistory> history_;
  std::unique_ptr<TailReader> tails_;
  std::unique_ptr<StepThread> history_thread_;
  std::unique_ptr<StepThread> tail_thread_;
};

}  // namespace tailgate
