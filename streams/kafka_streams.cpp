#include "streams/kafka_streams.h"

#include <cassert>
#include <utility>

namespace tailgate {

KafkaStreams::KafkaStreams(const Clock& clock, KafkaReports::Log log, std::size_t loop_index)
    : reports_{clock, std::move(log)}, tail_loop_{clock, loop_index}, history_loop_{clock, loop_index + 1} {}

Result<std::unique_ptr<KafkaStreams>> KafkaStreams::open(const KafkaStreamsOptions& options, Exposure exposure,
                                                         const Clock& clock, KafkaReports::Log log,
                                                         std::size_t loop_index) {
  std::unique_ptr<KafkaStreams> streams{new KafkaStreams{clock, std::move(log), loop_index}};
  KafkaReports& reports = streams->reports_;

  auto catalog = KafkaCatalog::open(options.kafka, std::move(exposure), clock, reports);
  if (!catalog) return catalog.error();
  streams->catalog_ = std::move(*catalog);

  std::vector<Consumer*> history_consumers;
  for (std::size_t i = 0; i < options.history_consumers; ++i) {
    auto consumer = KafkaConsumer::open(options.kafka, KafkaRole::catch_up, streams->history_loop_.wake_fd(), reports);
    if (!consumer) return consumer.error();
    history_consumers.push_back(consumer->get());
    streams->history_consumers_.push_back(std::move(*consumer));
  }
  const auto open_live = [kafka = options.kafka, wake_fd = streams->tail_loop_.wake_fd(),
                          &reports]() -> std::unique_ptr<Consumer> {
    auto consumer = KafkaConsumer::open(kafka, KafkaRole::live, wake_fd, reports);
    assert(consumer);  // the same options made the others: memory or threads have run out
    return std::move(*consumer);
  };
  streams->tail_consumer_ = std::make_unique<SplitConsumer>(open_live, options.live_partitions_max);

  streams->history_ = std::make_unique<PageHistory>(std::move(history_consumers), *streams->catalog_,
                                                    streams->history_loop_, clock, reports, options.history);
  streams->tails_ = std::make_unique<TailReader>(*streams->tail_consumer_, *streams->catalog_, *streams->history_,
                                                 streams->tail_loop_, clock, reports, options.tails);
  streams->history_thread_ = std::make_unique<StepThread>(
      streams->history_loop_, [history = streams->history_.get()] { return history->step(); });
  streams->tail_thread_ =
      std::make_unique<StepThread>(streams->tail_loop_, [tails = streams->tails_.get()] { return tails->step(); });
  return streams;
}

}  // namespace tailgate
