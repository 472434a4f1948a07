// A child process that cannot outlive the test: killed by its destructor, and by the kernel when the test dies.
//
// Threads: the kernel kills it when the *thread* that started it ends, so start it from one that stays.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/wait.h"

namespace tailgate::test {

class Process {
 public:
  // `output` gets stdout and stderr, appended. `environment` is put over the one of this process.
  Process(const std::vector<std::string>& command, const std::filesystem::path& output,
          const std::map<std::string, std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool is_running() { return !exit_code(); }
  // Does nothing once it has ended.
  void signal(int number);
  // SIGKILL, and waits until it is gone.
  void kill_hard();
  // What it ended with, 128 + n for signal n. Empty while it runs.
  std::optional<int> exit_code();
  std::optional<int> wait(Deadline deadline = in(kPatience));

 private:
  pid_t pid_;
  std::optional<int> exit_code_;
};

// Of its threads, as the kernel has them (at most 15 characters).
std::set<std::string> thread_names(pid_t pid);

// Runs it to its end. Throws, with its output, when it does not end with 0.
std::string run(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment = {});

}  // namespace tailgate::test
