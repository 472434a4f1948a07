// The floor: what any server must pay that sends one frame to every subscriber. epoll and send(), no HTTP work, no
// Kafka.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/loopback.h"
#include "bench/stamp.h"

namespace {

using tailgate::bench::kStreamHead;
using tailgate::bench::realtime_ns;

class Floor {
 public:
  Floor(std::uint16_t port, std::size_t frame_bytes, std::size_t batch, bool in_turn)
      : listener_{tailgate::bench::listen_on_loopback(port, SOCK_NONBLOCK)},
        writer_{frame_bytes - 8},
        batch_{batch},
        in_turn_{in_turn} {
    watch(listener_);
  }

  // Sends `rate` events a second to each subscriber, or to one after the other; `batch` of them in one call.
  void run(double rate) {
    const auto began = realtime_ns();
    std::uint64_t made = 0;
    for (;;) {
      const auto due = static_cast<std::uint64_t>(static_cast<double>(realtime_ns() - began) / 1e9 * rate);
      if (due >= made + batch_) {
        in_turn_ ? send_to_next() : send_batch(made);
        made += batch_;
        if (!in_turn_) take_events(0);
      } else {
        take_events(rate < 2000 || in_turn_ ? 1 : 0);
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void take_events(int timeout_ms) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, timeout_ms);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      fd == listener_ ? accept_all() : take_request(fd);
    }
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd);
    }
  }

  void take_request(int fd) {
    char buffer[2048];
    const auto got = recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) {
      if (send(fd, kStreamHead.data(), kStreamHead.size(), MSG_NOSIGNAL) > 0) subscribers_.push_back(fd);
      return;
    }
    subscribers_.erase(std::remove(subscribers_.begin(), subscribers_.end(), fd), subscribers_.end());
    close(fd);
  }

  void send_batch(std::uint64_t first) {
    frames_.resize(batch_);
    pieces_.resize(batch_);
    for (std::size_t i = 0; i < batch_; ++i) {
      frames_[i] = "data: ";
      frames_[i] += writer_.write({0, first + i, realtime_ns()});
      frames_[i] += "\n\n";
      pieces_[i] = {frames_[i].data(), frames_[i].size()};
    }
    for (const int fd : subscribers_) send_to(fd);
  }

  void send_to_next() {
    if (subscribers_.empty()) return;
    const int fd = subscribers_[turn_++ % subscribers_.size()];
    sent_.resize(std::max(sent_.size(), static_cast<std::size_t>(fd) + 1));
    frames_.resize(1);
    frames_[0] = "data: ";
    frames_[0] += writer_.write({0, sent_[static_cast<std::size_t>(fd)]++, realtime_ns()});
    frames_[0] += "\n\n";
    send_to(fd);
  }

  void send_to(int fd) {
    // A frame that does not fit is lost to its subscriber, which says so.
    const auto sent = batch_ == 1 ? send(fd, frames_[0].data(), frames_[0].size(), MSG_NOSIGNAL)
                                  : writev(fd, pieces_.data(), static_cast<int>(batch_));
    if (sent < 0 && ++failed_ == 1) std::perror("floor: send");
  }

  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_;
  tailgate::bench::StampWriter writer_;
  std::size_t batch_;
  bool in_turn_;
  std::size_t turn_ = 0;
  std::vector<std::uint64_t> sent_;  // by fd, in turn
  std::vector<int> subscribers_;
  std::vector<std::string> frames_;
  std::vector<iovec> pieces_;
  std::uint64_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  std::size_t frame_bytes = 225;
  std::size_t batch = 1;
  double rate = 1;
  bool in_turn = false;
  CLI::App app{"The least that a server of a stream can cost"};
  app.add_option("--port", port)->required();
  app.add_option("--bytes", frame_bytes, "of a frame")->check(CLI::Range(100, 100000));
  app.add_option("--batch", batch, "events in one call")->check(CLI::Range(1, 1000));
  app.add_option("--rate", rate, "events a second to each subscriber");
  app.add_flag("--in-turn", in_turn, "each event goes to one subscriber, and --rate is of them all");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  Floor{port, frame_bytes, batch, in_turn}.run(rate);
}
