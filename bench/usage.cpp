#include "bench/usage.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace tailgate::bench {
namespace {

// The number behind `name` in a file of "name: number" or "name number" lines; 0 if it is not there.
std::int64_t number_after(const std::string& path, const std::string& line_name, const std::string& field = "") {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, line_name.size(), line_name) != 0) continue;
    auto at = line_name.size();
    if (!field.empty()) at = line.find(" " + field + " ");
    if (at == std::string::npos) return 0;
    at = line.find_first_of("0123456789", at);
    return at == std::string::npos ? 0 : std::stoll(line.substr(at));
  }
  return 0;
}

}  // namespace

std::int64_t cpu_ns(const std::vector<int>& pids) {
  std::int64_t total = 0;
  for (const int pid : pids) {
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task", gone}) {
      std::ifstream file{task.path() / "schedstat"};  // nanoseconds on a processor, finer than stat's ticks
      std::int64_t on_cpu = 0;
      if (file >> on_cpu) total += on_cpu;
    }
  }
  return total;
}

Memory memory(const std::vector<int>& pids) {
  Memory memory;
  for (const int pid : pids) memory.rss_kb += number_after("/proc/" + std::to_string(pid) + "/status", "VmRSS:");
  memory.tcp_pages_kb = number_after("/proc/net/sockstat", "TCP:", "mem") * 4;
  memory.slab_kb = number_after("/proc/meminfo", "Slab:");
  return memory;
}

}  // namespace tailgate::bench
