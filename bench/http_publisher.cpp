// Posts stamped values to an HTTP address at a rate, over one connection: how nchan is given what Kafka gives tailgate.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/loopback.h"
#include "bench/pace.h"
#include "bench/response_reader.h"
#include "bench/stamp.h"

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = tailgate::bench::loopback_address(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("publisher: connect");
  return fd;
}

void post(int fd, const std::string& path, std::string_view value) {
  std::string request =
      "POST " + path + " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ";
  request += std::to_string(value.size()) + "\r\n\r\n";
  request += value;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    give_up("publisher: send");
  tailgate::bench::ResponseReader response;
  char buffer[4096];
  while (!response.is_done()) {
    const auto got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) give_up("publisher: recv");
    response.feed({buffer, static_cast<std::size_t>(got)}, [](std::string_view) {});
  }
  if (response.status() / 100 != 2) {
    std::fprintf(stderr, "publisher: status %d\n", response.status());
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  std::string path;
  std::size_t bytes = 200;
  double rate = 1;
  double seconds = 10;
  CLI::App app{"Posts stamped values at a rate"};
  app.add_option("--port", port)->required();
  app.add_option("--path", path)->required();
  app.add_option("--bytes", bytes, "of a value");
  app.add_option("--rate", rate, "values a second");
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);

  const int fd = connect_to(port);
  tailgate::bench::StampWriter writer{bytes};
  tailgate::bench::Pace pace{rate};
  const auto values = static_cast<std::uint64_t>(rate * seconds);
  for (std::uint64_t i = 0; i < values; ++i) {
    pace.wait();
    post(fd, path, writer.write({0, i, tailgate::bench::realtime_ns()}));
  }
}
