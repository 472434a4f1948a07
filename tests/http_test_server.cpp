// The HTTP server with the test handler and nothing behind it, for clients that are programs of their own:
// http_test_server LISTENER… (http://127.0.0.1:0 …) prints the address of each, a line each, and runs until SIGTERM.
#include <csignal>
#include <cstdio>
#include <vector>

#include "server/http/test_server.h"

int main(int argc, char** argv) {
  using namespace tailgate;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);

  std::vector<std::unique_ptr<testing::TestServer>> servers;
  for (int i = 1; i < argc; ++i) {
    testing::TestServerSetup setup;
    setup.listen = argv[i];
    setup.connections_max = 20'000;
    servers.push_back(std::make_unique<testing::TestServer>(setup));
    std::printf("%s\n", servers.back()->address().text().c_str());
  }
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  return 0;
}
