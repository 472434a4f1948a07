// The least that it costs to hand a topic on: librdkafka's records as frames, written to each HTTP/1.1 stream by the
// thread that takes them. Nothing is kept, filtered or resumed. The floor where Kafka is a part of what is measured.
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/loopback.h"
#include "bench/plain_consumer.h"

namespace tailgate::bench {
namespace {

constexpr std::size_t kSendBytes = 48 * 1024;

// False: the client has gone.
bool send_to(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// So many, each with its head sent.
std::vector<int> accept_clients(std::uint16_t port, std::size_t count) {
  const int listener = listen_on_loopback(port);
  const int on = 1;
  std::vector<int> clients;
  while (clients.size() < count) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) give_up("cannot accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char request[2048];
    // One that closes without a request asked whether anybody listens.
    if (recv(fd, request, sizeof request, 0) > 0 && send_to(fd, kStreamHead)) {
      clients.push_back(fd);
    } else {
      close(fd);
    }
  }
  close(listener);
  return clients;
}

void relay(PlainConsumer& consumer, std::vector<int> clients, bool is_replay) {
  consumer.start(is_replay ? 0 : RD_KAFKA_OFFSET_END);
  std::string frames;
  const auto send_frames = [&] {
    std::erase_if(clients, [&](int fd) { return !send_to(fd, frames) && close(fd) == 0; });
    frames.clear();
  };
  while (!clients.empty()) {
    consumer.read([&](std::string_view value) {
      frames += "data: ";
      frames += value;
      frames += "\n\n";
      if (frames.size() >= kSendBytes) send_frames();
    });
    send_frames();
  }
  consumer.stop();
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  std::string brokers;
  std::string topic;
  std::uint16_t port = 0;
  std::size_t clients = 1;
  bool is_replay = false;
  CLI::App app{"Hands a topic on, as cheaply as librdkafka allows, once so many clients have come"};
  app.add_option("--brokers", brokers)->required();
  app.add_option("--topic", topic)->required();
  app.add_option("--port", port)->required();
  app.add_option("--clients", clients)->check(CLI::PositiveNumber);
  app.add_flag("--replay", is_replay, "from the first record, not live");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  tailgate::bench::PlainConsumer consumer{brokers, topic, 1};
  tailgate::bench::relay(consumer, tailgate::bench::accept_clients(port, clients), is_replay);
}
