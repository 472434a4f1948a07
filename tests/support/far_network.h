// A network of its own for this program, and a second one behind a cable that a test can cut or make lossy.
//
// Both are namespaces of the kernel without a name: they are gone with the processes that are in them, however those
// end. What runs in the far one reaches what listens on 127.0.0.1 here at the same address; it listens itself on
// kFarHost.
//
// Loss is iptables' `statistic` match on what arrives at either end: `tc netem` is a module that many kernels lack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

inline constexpr const char* kFarHost = "10.207.0.2";

class FarNetwork {
 public:
  // Why there can be none here, "" when there can: it takes root, and the kernel's namespaces, veth and iptables.
  static std::string why_not();

  // From now on this thread, and what it starts, are in the new network: call it before anything listens.
  FarNetwork();

  // In front of a command: runs it in the far network.
  std::vector<std::string> starter() const;
  // Nothing arrives at either end any more, and nobody is told.
  void cut();
  // Of what arrives at either end, so much is lost: 0.05 is 5 %.
  void lose(double part);
  // Returns how many packets were dropped.
  std::uint64_t heal();

 private:
  void on_both_ends(const std::vector<std::string>& rule) const;

  TempDir folder_;
  std::unique_ptr<Process> keeper_;  // keeps the far network alive
};

}  // namespace tailgate::test
