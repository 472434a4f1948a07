#include "streams/kafka_streams.h"

#include <cassert>
#include <utility>

#include "streams/kafka_consumer.h"
#include "streams/rack_consumer.h"

namespace tailgate {

namespace {

// Where consumers are driven, and what they ask and tell.
struct ReadBy {
  StepLoop& own;
  Catalog& catalog;
  const Clock& clock;
  KafkaReports& reports;
};

Result<std::unique_ptr<Consumer>> open_consumer(const KafkaOptions& kafka, KafkaRole role, ReadBy by) {
  auto consumer = KafkaConsumer::open(kafka, role, by.own.wake_fd(), by.reports);
  if (!consumer) return consumer.error();
  if (!reads_followers(kafka)) return std::unique_ptr<Consumer>{std::move(*consumer)};
  const auto open_leaders = [kafka = from_leaders(kafka), role, by]() -> std::unique_ptr<Consumer> {
    auto leaders = KafkaConsumer::open(kafka, role, by.own.wake_fd(), by.reports);
    assert(leaders);  // the same options made the near one: memory or threads have run out
    return std::move(*leaders);
  };
  return std::unique_ptr<Consumer>{std::make_unique<RackConsumer>(std::move(*consumer), open_leaders, by.catalog,
                                                                  by.own, by.clock, by.reports, RackOptions{})};
}

}  // namespace

KafkaStreams::KafkaStreams(const Clock& clock, KafkaReports::Log log, std::size_t loop_index)
    : reports_{clock, std::move(log)}, tail_loop_{clock, loop_index}, history_loop_{clock, loop_index + 1} {}

Result<std::unique_ptr<KafkaStreams>> KafkaStreams::open(const KafkaStreamsOptions& options, Exposure exposure,
                                                         const Clock& clock, KafkaReports::Log log,
                                                         std::size_t loop_index) {
  std::unique_ptr<KafkaStreams> streams{new KafkaStreams{clock, std::move(log), loop_index}};
  KafkaReports& reports = streams->reports_;

  auto catalog = KafkaCatalog::open(from_leaders(options.kafka), std::move(exposure), clock, reports);
  if (!catalog) return catalog.error();
  streams->catalog_ = std::move(*catalog);

  const ReadBy history{streams->history_loop_, *streams->catalog_, clock, reports};
  std::vector<Consumer*> history_consumers;
  for (std::size_t i = 0; i < options.history_consumers; ++i) {
    auto consumer = open_consumer(options.kafka, KafkaRole::catch_up, history);
    if (!consumer) return consumer.error();
    history_consumers.push_back(consumer->get());
    streams->history_consumers_.push_back(std::move(*consumer));
  }
  const ReadBy tails{streams->tail_loop_, *streams->catalog_, clock, reports};
  const auto open_live = [kafka = options.kafka, tails]() -> std::unique_ptr<Consumer> {
    auto consumer = open_consumer(kafka, KafkaRole::live, tails);
    assert(consumer);  // the same options made the others: memory or threads have run out
    return std::move(*consumer);
  };
  streams->tail_consumer_ = std::make_unique<SplitConsumer>(open_live, options.live_partitions_max);

  streams->history_ = std::make_unique<PageHistory>(history_consumers, *streams->catalog_, streams->history_loop_,
                                                    clock, reports, options.history);
  streams->tails_ = std::make_unique<TailReader>(*streams->tail_consumer_, *streams->catalog_, *streams->history_,
                                                 streams->tail_loop_, clock, reports, options.tails);
  streams->history_thread_ = std::make_unique<StepThread>(
      "history", streams->history_loop_, [history = streams->history_.get()] { return history->step(); });
  streams->tail_thread_ = std::make_unique<StepThread>("reader", streams->tail_loop_,
                                                       [tails = streams->tails_.get()] { return tails->step(); });
  return streams;
}

}  // namespace tailgate
