// Reading from the followers in a rack (KIP-392), as long as they give what the leaders have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "streams/catalog.h"
#include "streams/consumer.h"
#include "streams/kafka_reports.h"

namespace tailgate {

struct RackOptions {
  std::int64_t look_ms = 2'000;      // how often partitions that gave nothing since are looked at
  std::size_t asks_max = 200;        // questions to the catalog a look
  std::int64_t leader_ms = 300'000;  // how long one whose follower did not give is read from its leader
};

// Two consumers: a near one, which is sent to followers, and one that reads leaders, made when it is first needed. A
// partition is read near, until the catalog says that its leader has had records for a while that did not come; from
// then on its leader is read, from the same place, and after leader_ms it is tried near again. Why a follower does not
// give (dead, paused, cut off from its leader) makes no difference: librdkafka 2.0 would hold to any of them.
//
// Nothing is moved while no leader answers. A look asks the catalog about partitions that have been silent since the
// one before: where these are more than asks_max, half of it goes to those that fell silent last, the other half to all
// in turn. What an answer shows is acted upon at the next look.
//
// Threads: the one that runs `own`.
class RackConsumer final : public Consumer, private ConsumerEvents {
 public:
  using Open = std::function<std::unique_ptr<Consumer>()>;

  RackConsumer(std::unique_ptr<Consumer> near, Open open_leaders, Catalog& catalog, Loop& own, const Clock& clock,
               KafkaReports& reports, RackOptions options);

  void start(const TopicPartition& partition, Offset next) override;
  void stop(const TopicPartition& partition) override;
  std::size_t poll(ConsumerEvents& events, std::size_t records_max) override;
  Offset end_of_log(const TopicPartition& partition) override;

 private:
  struct Reading {
    bool is_started = false;
    Offset next = 0;
    bool is_at_end = false;          // as far as its follower knew: who stops there will be back for what comes behind
    std::int64_t stopped_ms = 0;     // not started
    std::int64_t near_again_ms = 0;  // until then its leader is read; 0: it is read near
    bool is_doubted = false;         // its follower did not have the offset, and its leader has not said yet
    Offset looked_next = 0;          // when it was last looked at
    std::int64_t moved_ms = 0;       // the last look at which that had changed, or the start
    Offset readable = 0;             // what its leader had when asked, as of readable_ms
    std::int64_t readable_ms = 0;
    Ask<Catalog::EndsAnswer> ask;
  };

  Headers headers_of(const TopicPartition& from) override { return events_->headers_of(from); }
  void on_record(const TopicPartition& from, const RecordView& record) override;
  void on_end(const TopicPartition& from, Offset next) override;
  void on_out_of_range(const TopicPartition& from, Offset asked) override;
  void on_error(const TopicPartition& from, const std::string& text) override;
  void on_refused(const TopicPartition& from, const std::string& text) override;

  Reading* find(const TopicPartition& partition);
  Consumer& consumer_of(const Reading& reading);
  void on_tick();
  using Entry = std::pair<const TopicPartition, Reading>;
  bool is_to_be_asked_about(const TopicPartition& partition, Reading& reading);
  void ask_about_some(std::vector<Entry*> silent);
  void ask_about(const TopicPartition& partition, Reading& reading);
  void read_leader(const TopicPartition& partition, Reading& reading);
  void read_near(const TopicPartition& partition, Reading& reading);
  bool is_over(const Reading& reading) const;

  const std::unique_ptr<Consumer> near_;
  const Open open_leaders_;
  std::unique_ptr<Consumer> leaders_;  // null until it is needed
  Catalog& catalog_;
  Loop& own_;
  const Clock& clock_;
  KafkaReports& reports_;
  const RackOptions options_;
  ConsumerEvents* events_ = nullptr;            // of the poll at hand
  std::map<TopicPartition, Reading> readings_;  // those that are started, and those of which something is remembered
  Entry* last_ = nullptr;                       // that find() gave
  TopicPartition last_asked_;                   // in turn
  Timer tick_;
};

}  // namespace tailgate
