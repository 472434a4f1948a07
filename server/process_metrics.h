// What the system knows of this process, under the names that Prometheus's own clients use.
#pragma once

#include "base/metric_page.h"

namespace tailgate {

void add_process_metrics(MetricPage& page);

}  // namespace tailgate
