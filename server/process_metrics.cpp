#include "server/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace tailgate {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::size_t open_files() {
  std::error_code failure;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it{"/proc/self/fd", failure}, end; !failure && it != end;
       it.increment(failure))
    ++count;
  return count;
}

}  // namespace

void add_process_metrics(MetricPage& page) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    page.counter("process_cpu_seconds_total", "CPU time used.", seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  std::size_t pages = 0;
  std::size_t resident_pages = 0;
  if (std::ifstream statm{"/proc/self/statm"}; statm >> pages >> resident_pages) {
    const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
    page.gauge("process_virtual_memory_bytes", "Address space.", static_cast<double>(pages) * page_bytes);
    page.gauge("process_resident_memory_bytes", "Memory in use.", static_cast<double>(resident_pages) * page_bytes);
  }
  page.gauge("process_open_fds", "File descriptors in use.", static_cast<double>(open_files()));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    page.gauge("process_max_fds", "File descriptors there may be.", static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace tailgate
