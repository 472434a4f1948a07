// The catalog of a real Kafka, or of librdkafka's mock.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "streams/catalog.h"
#include "streams/cleanup_policies.h"
#include "streams/exposure.h"
#include "streams/kafka_handle.h"
#include "streams/offset_lookups.h"

namespace tailgate {

// Kafka is asked only for what the exposure names and metadata has shown to exist: never for a name that a client
// sends. A topic that is gone from the metadata, or has fewer partitions there, must be so twice in a row: one broker
// may be late to know. Deleting and making anew between two reads cannot be noticed here (topics have no ids in these
// versions of the protocol).
//
// Threads: any, as Catalog says; what it is given runs on its own threads. Loops outlive it.
class KafkaCatalog final : public Catalog {
 public:
  static constexpr std::int64_t kReadEveryMs = 5'000;

  static Result<std::unique_ptr<KafkaCatalog>> open(const KafkaOptions& options, Exposure exposure, const Clock& clock,
                                                    KafkaReports& reports);
  ~KafkaCatalog() override;

  std::shared_ptr<const Topics> topics() const override;
  bool is_exposed(std::string_view name) const override { return exposure_.covers(name); }
  Ask<EndsAnswer> ends(std::vector<TopicPartition> partitions, Loop& loop,
                       std::function<void(EndsAnswer)> then) override;
  Ask<OffsetsAnswer> offsets_at(std::vector<TopicPartition> partitions, std::int64_t wall_ms, Loop& loop,
                                std::function<void(OffsetsAnswer)> then) override;
  Ask<TopicsAnswer> refresh(Loop& loop, std::function<void(TopicsAnswer)> then) override;
  Ask<TopicsAnswer> refresh_at_once(Loop& loop, std::function<void(TopicsAnswer)> then) override;
  Ask<bool> are_uncompacted(const std::vector<std::string>& topics, Loop& loop,
                            std::function<void(bool)> then) override;
  std::unique_ptr<Watch> watch(Loop& loop, std::function<void()> on_change) override;
  bool is_reachable() const override;

  // Topics that are exposed and exist, but that Kafka's ACLs keep from us: they may not be described, or not be read.
  std::size_t denied_topics() const { return denied_topics_.load(std::memory_order_relaxed); }
  // How often Kafka has been asked what topics there are.
  std::uint64_t reads() const { return reads_.load(std::memory_order_relaxed); }

 private:
  using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
  struct Known {  // immutable
    std::shared_ptr<const Topics> topics;
    std::map<TopicPartition, std::int32_t> leaders;  // broker ids; by Kafka's names
  };
  struct Watching {
    Loop& loop;
    std::function<void()> on_change;  // the loop's; null once the watch is gone
  };
  class WatchHandle;

  KafkaCatalog(KafkaOptions options, KafkaClient committed, KafkaClient uncommitted, Exposure exposure,
               const Clock& clock, KafkaReports& reports);
  void run();
  bool take_urgent();
  bool read_metadata();
  Known known_from(const rd_kafka_metadata_t& metadata);
  void leave_out_what_is_refused(Topics& read, const Known& fresh);
  void keep_what_is_missing_once(Topics& read, Known& known);
  void publish(Known known);
  std::shared_ptr<const Known> known() const;
  std::optional<std::vector<OffsetLookups::Place>> places_of(const std::vector<TopicPartition>& partitions) const;
  Offset scan(const TopicPartition& partition, const PartitionEnds& ends, std::int64_t wall_ms);

  const KafkaOptions options_;
  const KafkaClient committed_;
  const KafkaClient uncommitted_;
  const Exposure exposure_;
  const Clock& clock_;
  KafkaReports& reports_;
  std::vector<TopicHandle> asked_for_;  // the topics that metadata is asked for; empty: all
  // Kafka's names; the own thread's.
  std::set<std::string> missing_once_;
  std::set<std::string> probed_;   // topics whose access is known
  std::set<std::string> refused_;  // of these
  std::int64_t probed_all_ms_;     // when that was last asked of all
  std::atomic<std::size_t> denied_topics_{0};
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::int64_t> metadata_ms_{0};  // when it was last read; 0: never

  CleanupPolicies policies_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::shared_ptr<const Known> known_;
  std::vector<Reply<TopicsAnswer>> refreshing_;
  bool is_urgent_ = false;      // one of these does not wait
  std::int64_t urgent_ms_ = 0;  // up to when urgent reads have been used: kUrgentEveryMs each, kUrgentMax in advance
  std::vector<std::weak_ptr<Watching>> watching_;

  OffsetLookups lookups_;
  std::thread thread_;
};

}  // namespace tailgate
