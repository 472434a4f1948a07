// Records for the demo: a shop's orders and stock, its page views, and the sensors of a greenhouse.
#pragma once

#include <librdkafka/rdkafka.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/c_handle.h"
#include "base/error.h"

namespace tailgate {

struct SampleTopic {
  const char* name;
  int partitions;
};

// Produces at a pace that a person can follow, from construction to destruction, on a thread of its own.
class SampleProducer {
 public:
  // The topics that it writes to; they must exist.
  static const std::vector<SampleTopic>& topics();

  static Result<std::unique_ptr<SampleProducer>> open(const std::string& bootstrap);
  ~SampleProducer();

 private:
  using Handle = CHandle<rd_kafka_t, rd_kafka_destroy>;
  struct Header {
    const char* name;
    std::string value;
  };

  explicit SampleProducer(Handle handle);
  void run();
  void produce_order();
  void produce_stock();
  void produce_page_view();
  void produce_reading();
  // A null `value` is a tombstone.
  void produce(const char* topic, const std::string& key, const std::string* value, const std::vector<Header>& headers);
  std::uint32_t random_below(std::uint32_t bound);

  Handle handle_;
  std::mt19937 random_{42};
  std::uint32_t orders_ = 1000;               // number of the last one
  std::map<std::uint32_t, int> open_orders_;  // number -> steps done
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace tailgate
