// Which topics Kafka compacts. It is asked only about those that somebody asks for.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"

namespace tailgate {

// Those of `topics` (Kafka's names) whose cleanup.policy is known to be without `compact`. What access rules keep from
// us is not known, and nothing is while Kafka is silent. Blocks for at most `deadline_ms`.
std::set<std::string> uncompacted_topics(rd_kafka_t* handle, const std::set<std::string>& topics, int deadline_ms);

// Keeps what was read: a policy may change, and what is not known now may be soon.
class CleanupPolicies {
 public:
  static constexpr std::int64_t kKnownMs = 60'000;
  static constexpr std::int64_t kUnknownMs = 10'000;  // also of what is compacted
  // As uncompacted_topics.
  using Read = std::function<std::set<std::string>(const std::set<std::string>& topics)>;

  CleanupPolicies(const Clock& clock, Read read) : clock_{clock}, read_{std::move(read)} {}

  // True: it is known of all of them that they are not compacted.
  // Threads: any. Who asks makes sure that the topics exist: each is kept.
  Ask<bool> are_uncompacted(const std::vector<std::string>& topics, Loop& loop, std::function<void(bool)> then);
  // Threads: any.
  bool has_questions() const;
  // Threads: one, that may block as `read` does.
  void answer();

 private:
  struct Known {
    bool is_uncompacted = false;
    std::int64_t good_until_ms = 0;
  };
  struct Question {
    std::vector<std::string> topics;
    Reply<bool> reply;
  };
  bool is_known(const std::string& topic) const;
  bool are_all_uncompacted(const std::vector<std::string>& topics) const;

  const Clock& clock_;
  const Read read_;
  mutable std::mutex mutex_;
  std::map<std::string, Known> known_;
  std::vector<Question> questions_;
};

}  // namespace tailgate
