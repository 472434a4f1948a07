// Which topics Kafka's access rules let us read. Metadata leave out what may not be described; a topic that may be
// described and not read shows only when it is fetched from.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "streams/kafka_handle.h"
#include "streams/kafka_reports.h"
#include "streams/record.h"

namespace tailgate {

// Kafka's names of those whose fetch is refused. `partitions`: one of each topic. Asks for an offset that no log has,
// so that no record comes. A leader that says nothing for a while refuses nothing. Blocks for at most kAccessProbeMs.
std::set<std::string> refused_topics(const std::vector<TopicPartition>& partitions, const KafkaOptions& options,
                                     const Clock& clock, KafkaReports& reports);

inline constexpr std::int64_t kAccessProbeMs = 1'500;

}  // namespace tailgate
