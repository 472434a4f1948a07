#include "base/out_of_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace tailgate {
namespace {

void end_with_a_stderr_that_nobody_reads() {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_NONBLOCK), 0);
  while (write(pipe_ends[1], "full", 4) > 0) {
  }
  ASSERT_EQ(fcntl(pipe_ends[1], F_SETFL, 0), 0);  // from here on a write would wait
  ASSERT_EQ(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
  end_out_of_memory();
}

TEST(OutOfMemory, IsSaidAndEndsTheProcess) {
  EXPECT_EXIT(end_out_of_memory(), testing::KilledBySignal(SIGABRT), "tailgate: out of memory");
}

TEST(OutOfMemory, EndsItAlsoWhereNobodyReadsWhatItSays) {
  EXPECT_EXIT(end_with_a_stderr_that_nobody_reads(), testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace tailgate
