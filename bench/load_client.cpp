// Opens streams, reads them in bulk and says what came: `{"ready":N}` when all are open, and at the end one line of
// JSON.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>

#include "bench/load_connection.h"
#include "bench/load_options.h"
#include "bench/usage.h"

namespace tailgate::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t own_cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * kSecond +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

// What the window that counts began with.
struct Mark {
  std::int64_t time_ns = realtime_ns();
  std::int64_t own_cpu = own_cpu_ns();
  std::int64_t server_cpu = 0;
};

class LoadClient {
 public:
  explicit LoadClient(const LoadOptions& options) : options_{options} {
    if (options.tls) {
      tls_.reset(SSL_CTX_new(TLS_client_method()));
      SSL_CTX_set_mode(tls_.get(),
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
      const std::array<unsigned char, 3> h2{2, 'h', '2'};
      if (options.streams > 0) SSL_CTX_set_alpn_protos(tls_.get(), h2.data(), h2.size());
    }
  }

  int run();

 private:
  struct Entry {
    std::unique_ptr<LoadConnection> connection;
    std::int64_t began_ns = 0;
    std::uint32_t open = 0;
    std::uint32_t complete = 0;
    std::uint32_t watched = 0;  // epoll events
  };

  void open_more();
  void turn(int timeout_ms);
  void step(std::uint32_t index, std::uint32_t events);
  void after(Entry& entry);
  void watch(std::uint32_t index, std::uint32_t events, int operation);
  void read_slowly();
  void begin_window();
  void end_window();
  bool is_over() const;
  int report();
  double seconds_since(std::int64_t since_ns) const { return static_cast<double>(now_ns_ - since_ns) / 1e9; }

  const LoadOptions& options_;
  CHandle<SSL_CTX, SSL_CTX_free> tls_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::deque<Entry> entries_;
  Tally tally_;
  std::int64_t began_ns_ = realtime_ns();
  std::int64_t now_ns_ = began_ns_;
  std::int64_t ready_ns_ = 0;
  std::int64_t slow_turn_ns_ = 0;
  std::uint32_t opening_ = 0;  // connections with a stream that is not open
  std::uint64_t open_streams_ = 0;
  std::uint64_t complete_streams_ = 0;
  std::uint32_t closed_ = 0;  // connections that ended before they were to
  int bad_status_ = 0;
  Histogram opened_;     // from connect to the head of the response
  Histogram completed_;  // from connect to the last record
  bool is_measured_ = false;
  Mark mark_;
  Mark end_;
  Memory memory_before_, memory_ready_, memory_after_;
};

void LoadClient::watch(std::uint32_t index, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = index;
  epoll_ctl(epoll_, operation, entries_[index].connection->fd(), &event);
  entries_[index].watched = events;
}

void LoadClient::open_more() {
  while (opening_ < options_.in_flight && entries_.size() < options_.connections) {
    const auto index = static_cast<std::uint32_t>(entries_.size());
    const auto source = INADDR_LOOPBACK + index % options_.sources;
    entries_.push_back({std::make_unique<LoadConnection>(options_, tally_, tls_.get(), source,
                                                         index * std::max<std::uint32_t>(options_.streams, 1)),
                        realtime_ns()});
    ++opening_;
    if (entries_.back().connection->fd() >= 0) watch(index, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
  }
}

void LoadClient::step(std::uint32_t index, std::uint32_t events) {
  auto& entry = entries_[index];
  if (!entry.connection) return;
  bool is_alive = true;
  if ((events & EPOLLOUT) != 0) is_alive = entry.connection->on_writable();
  const bool reads = options_.mode != LoadMode::stall || entry.open == 0;
  if (is_alive && reads && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    is_alive = entry.connection->on_readable(options_.mode == LoadMode::slow ? 4096 : SIZE_MAX);
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    is_alive = false;
  }
  after(entry);
  if (!is_alive || entry.complete == entry.connection->streams()) {
    if (!is_alive && entry.complete < entry.connection->streams()) ++closed_;
    if (entry.open < entry.connection->streams()) --opening_;
    entry.connection.reset();
    return;
  }
  const bool is_open = entry.open == entry.connection->streams();
  const bool is_paused = is_open && (options_.mode == LoadMode::stall || options_.mode == LoadMode::slow);
  const std::uint32_t wanted = (is_paused ? 0U : EPOLLIN) | (entry.connection->wants_write() ? EPOLLOUT : 0U);
  if (wanted != entry.watched) watch(index, wanted, EPOLL_CTL_MOD);
}

void LoadClient::after(Entry& entry) {
  auto& connection = *entry.connection;
  if (connection.bad_status() != 0) bad_status_ = connection.bad_status();
  if (connection.open_streams() > entry.open) {
    open_streams_ += connection.open_streams() - entry.open;
    entry.open = connection.open_streams();
    if (entry.open == connection.streams()) {
      --opening_;
      opened_.add(realtime_ns() - entry.began_ns);
    }
  }
  if (connection.complete_streams() > entry.complete) {
    complete_streams_ += connection.complete_streams() - entry.complete;
    entry.complete = connection.complete_streams();
    if (entry.complete == connection.streams()) completed_.add(realtime_ns() - entry.began_ns);
  }
}

void LoadClient::read_slowly() {
  constexpr std::int64_t kTurn = kSecond / 20;
  if (now_ns_ - slow_turn_ns_ < kTurn) return;
  slow_turn_ns_ = now_ns_;
  const auto bytes = static_cast<std::size_t>(options_.kb_per_second * 1024 / 20);
  for (auto& entry : entries_) {
    if (!entry.connection || entry.open == 0) continue;
    if (!entry.connection->on_readable(bytes)) {
      ++closed_;
      entry.connection.reset();
    }
  }
}

void LoadClient::turn(int timeout_ms) {
  std::array<epoll_event, 1024> events;
  const int count = epoll_wait(epoll_, events.data(), events.size(), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    step(event.data.u32, event.events);
  }
  now_ns_ = realtime_ns();
  if (options_.mode == LoadMode::slow) read_slowly();
}

void LoadClient::begin_window() {
  is_measured_ = true;
  tally_.is_measuring = true;
  mark_ = Mark{};
  mark_.server_cpu = cpu_ns(options_.server_pids);
}

void LoadClient::end_window() {
  tally_.is_measuring = false;
  end_ = Mark{};
  end_.server_cpu = cpu_ns(options_.server_pids);
  memory_after_ = memory(options_.server_pids);
}

bool LoadClient::is_over() const {
  if (ready_ns_ == 0 || options_.mode == LoadMode::replay) {
    const bool all_are_settled = entries_.size() == options_.connections && opening_ == 0;
    const bool nothing_is_left = complete_streams_ + std::uint64_t{closed_} * std::max(options_.streams, 1U) >=
                                 std::uint64_t{options_.connections} * std::max(options_.streams, 1U);
    return (all_are_settled && nothing_is_left) || seconds_since(began_ns_) > options_.timeout;
  }
  return is_measured_ && seconds_since(mark_.time_ns) >= options_.seconds;
}

int LoadClient::run() {
  memory_before_ = memory(options_.server_pids);
  if (options_.mode == LoadMode::replay) begin_window();
  const auto wanted = std::uint64_t{options_.connections} * std::max(options_.streams, 1U);
  while (!is_over()) {
    open_more();
    turn(10);
    if (ready_ns_ == 0 && open_streams_ >= wanted) {
      ready_ns_ = now_ns_;
      memory_ready_ = memory(options_.server_pids);
      std::printf("{\"ready\":%llu,\"seconds\":%.3f}\n", static_cast<unsigned long long>(open_streams_),
                  seconds_since(began_ns_));
      std::fflush(stdout);
    }
    if (ready_ns_ != 0 && !is_measured_ && seconds_since(ready_ns_) >= options_.warmup) begin_window();
  }
  end_window();
  return report();
}

int LoadClient::report() {
  const double seconds = static_cast<double>(end_.time_ns - mark_.time_ns) / 1e9;
  const double window_ns = static_cast<double>(end_.time_ns - mark_.time_ns);
  const auto server_cpu = end_.server_cpu - mark_.server_cpu;
  std::uint64_t polls = 0;
  for (const auto& entry : entries_) polls += entry.connection ? entry.connection->polls() : 0;
  const auto number = [](const char* name, auto value) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      std::printf("\"%s\":%.6g,", name, static_cast<double>(value));
    } else {
      std::printf("\"%s\":%lld,", name, static_cast<long long>(value));
    }
  };
  const auto times = [](const char* name, const Histogram& of) {
    std::printf("\"%s\":{\"count\":%llu,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f},", name,
                static_cast<unsigned long long>(of.count()), static_cast<double>(of.quantile(0.5)) / 1e6,
                static_cast<double>(of.quantile(0.99)) / 1e6, static_cast<double>(of.quantile(0.999)) / 1e6,
                static_cast<double>(of.max()) / 1e6);
  };
  const auto kilobytes = [](const char* name, const Memory& of) {
    std::printf("\"%s\":{\"rss\":%lld,\"tcp\":%lld,\"slab\":%lld},", name, static_cast<long long>(of.rss_kb),
                static_cast<long long>(of.tcp_pages_kb), static_cast<long long>(of.slab_kb));
  };
  std::printf("{");
  number("open", open_streams_);
  number("complete", complete_streams_);
  number("closed", closed_);
  number("bad_status", bad_status_);
  number("open_seconds", ready_ns_ == 0 ? 0.0 : static_cast<double>(ready_ns_ - began_ns_) / 1e9);
  number("seconds", seconds);
  number("events", tally_.events);
  number("bytes", tally_.bytes);
  number("polls", polls);
  number("lost", tally_.faults.lost);
  number("duplicated", tally_.faults.duplicated);
  number("reordered", tally_.faults.reordered);
  number("server_cpu_ns", server_cpu);
  number("server_cpu_share", static_cast<double>(server_cpu) / window_ns);
  number("client_cpu_share", static_cast<double>(end_.own_cpu - mark_.own_cpu) / window_ns);
  times("latency_ms", tally_.latency);
  times("last_ms", tally_.last.finish());
  times("open_ms", opened_);
  times("complete_ms", completed_);
  kilobytes("before_kb", memory_before_);
  kilobytes("ready_kb", memory_ready_);
  kilobytes("after_kb", memory_after_);
  const auto wanted = std::uint64_t{options_.connections} * std::max(options_.streams, 1U);
  const bool is_good =
      open_streams_ == wanted && bad_status_ == 0 && (options_.mode != LoadMode::replay || complete_streams_ == wanted);
  std::printf("\"good\":%s}\n", is_good ? "true" : "false");
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto options = tailgate::bench::parse_load_options(argc, argv);
  return tailgate::bench::LoadClient{options}.run();
}
