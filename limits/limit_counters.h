// What one io thread counts of limits; read by the metrics at any time.
#pragma once

#include "base/counter.h"

namespace tailgate {

struct alignas(64) LimitCounters {
  Counter admitted;       // requests
  Counter refused;        // requests
  Counter asked;          // questions to the store about requests
  Counter slots_refused;  // streams
  Counter waits;          // times that a stream had to wait for its pace
  Counter without_redis;  // questions that this replica answered by itself, because Redis did not
};

}  // namespace tailgate
