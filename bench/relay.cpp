// The least that it costs to hand a topic on: librdkafka's records, one by one into the frames of one HTTP/1.1 stream,
// by the thread that takes them. Nothing is kept, shared, filtered or resumed. The floor for replay and added latency.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "bench/plain_consumer.h"

namespace tailgate::bench {
namespace {

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
constexpr std::size_t kSendBytes = 48 * 1024;

int accept_one(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1) != 0)
    give_up("cannot listen");
  int fd = -1;
  // A connection that closes without a request asked whether anybody listens.
  for (char request[2048];;) {
    fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) give_up("cannot accept");
    if (recv(fd, request, sizeof request, 0) > 0) break;
    close(fd);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  close(listener);
  return fd;
}

// False: the client has gone.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void relay(PlainConsumer& consumer, std::uint16_t port, bool is_replay) {
  const int fd = accept_one(port);
  consumer.start(is_replay ? 0 : RD_KAFKA_OFFSET_END);
  std::string frames{kHead};
  for (bool is_open = send_all(fd, frames); is_open;) {
    frames.clear();
    consumer.read([&](std::string_view value) {
      frames += "data: ";
      frames += value;
      frames += "\n\n";
      if (frames.size() < kSendBytes) return;
      is_open = is_open && send_all(fd, frames);
      frames.clear();
    });
    is_open = is_open && send_all(fd, frames);
  }
  consumer.stop();
  close(fd);
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  std::string brokers;
  std::string topic;
  std::uint16_t port = 0;
  bool is_replay = false;
  CLI::App app{"Hands a topic on to one client, as cheaply as librdkafka allows"};
  app.add_option("--brokers", brokers)->required();
  app.add_option("--topic", topic)->required();
  app.add_option("--port", port)->required();
  app.add_flag("--replay", is_replay, "from the first record, not live");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  tailgate::bench::PlainConsumer consumer{brokers, topic, 1};
  tailgate::bench::relay(consumer, port, is_replay);
}
