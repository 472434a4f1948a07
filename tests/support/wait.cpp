#include "tests/support/wait.h"

#include <poll.h>

namespace tailgate::test {

bool eventually(const std::function<bool()>& is_so, Deadline deadline) {
  while (!is_so()) {
    if (Clock::now() >= deadline) return false;
    poll(nullptr, 0, 3);
  }
  return true;
}

}  // namespace tailgate::test
