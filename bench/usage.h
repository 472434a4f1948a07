// What processes and the kernel use, read from /proc.
#pragma once

#include <cstdint>
#include <vector>

namespace tailgate::bench {

// CPU time of all threads of these processes, user and system. Threads that have ended are not in it.
std::int64_t cpu_ns(const std::vector<int>& pids);

struct Memory {
  std::int64_t rss_kb = 0;        // VmRSS of the processes
  std::int64_t tcp_pages_kb = 0;  // socket buffers of the whole machine
  std::int64_t slab_kb = 0;       // of the whole machine
};
Memory memory(const std::vector<int>& pids);

}  // namespace tailgate::bench
