// Opening librdkafka handles: what each role needs, and what a configuration may add.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/c_handle.h"
#include "base/error.h"
#include "streams/kafka_reports.h"

namespace tailgate {

using KafkaClient = CHandle<rd_kafka_t, rd_kafka_destroy>;

struct KafkaOptions {
  std::string bootstrap;                          // host:port, comma separated
  std::map<std::string, std::string> properties;  // librdkafka's own, for TLS, SASL, client.rack, …
  std::string client_id = "tailgate";
  bool is_mock = false;  // librdkafka's mock cluster: a produce does not wake a waiting fetch there
  std::size_t max_event_bytes = 1024 * 1024;  // a larger record comes as `oversize`, without its value
};

// A Fetch waits at the broker until there is something, and all else on its connection waits behind it: so each purpose
// has handles of its own.
enum class KafkaRole : std::uint8_t {
  live,               // at the tails; long polls
  catch_up,           // never at a tail; its fetches return at once
  admin_committed,    // metadata and offsets: `end` is the last stable offset
  admin_uncommitted,  // `end` is the high watermark
};

// True for properties that the design fixes, or that would load code: a configuration must not set them.
bool is_fixed_kafka_property(const std::string& name);

// The same, but for what sends fetches to followers (client.rack).
KafkaOptions from_leaders(KafkaOptions options);
bool reads_followers(const KafkaOptions& options);

// bad_config: librdkafka does not know it, or does not take the value; the detail says which.
Result<void> check_kafka_property(const std::string& name, const std::string& value);

// bad_config: a property is unknown, fixed, or its value is wrong; the detail names it. `reports` outlives the handle.
Result<KafkaClient> open_kafka(const KafkaOptions& options, KafkaRole role, KafkaReports& reports);

}  // namespace tailgate
