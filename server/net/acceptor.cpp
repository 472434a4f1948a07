#include "server/net/acceptor.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/c_handle.h"
#include "base/thread_name.h"

namespace tailgate {
namespace {

constexpr int kAcceptsATurn = 64;
constexpr std::chrono::milliseconds kPause{100};

using AddressList = CHandle<addrinfo, freeaddrinfo>;

Error failure(const ListenAddress& address, const char* what) {
  return Error{ErrorCode::bad_config, address.text() + ": " + what + ": " + std::strerror(errno)};
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// A socket that a killed process has left behind is in the way; one on which somebody still listens is not ours to
// take.
void remove_stale_socket(const sockaddr_un& address) {
  struct stat entry {};
  if (::stat(address.sun_path, &entry) != 0 || !S_ISSOCK(entry.st_mode)) return;
  const Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const bool is_refused =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  if (is_refused) ::unlink(address.sun_path);
}

// Options that accepted sockets inherit (Linux), so that a connection costs no calls for them.
bool set_options(int fd, const SocketOptions& options) {
  return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.notsent_lowat_bytes) &&
         set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout_ms) &&
         (options.sndbuf_bytes == 0 || set_option(fd, SOL_SOCKET, SO_SNDBUF, options.sndbuf_bytes));
}

Result<Fd> listen_unix(const ListenAddress& address, const SocketOptions& options) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  address.unix_path.copy(name.sun_path, sizeof name.sun_path - 1);
  remove_stale_socket(name);
  Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return failure(address, "socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return failure(address, "bind");
  if (::listen(fd.get(), options.backlog) != 0) return failure(address, "listen");
  return fd;
}

Result<Fd> listen_tcp(const ListenAddress& address, const SocketOptions& options) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) return Error{ErrorCode::bad_config, address.text() + ": " + ::gai_strerror(error)};
  const AddressList addresses{found};
  Fd fd{::socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return failure(address, "socket");
  if (!set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failure(address, "SO_REUSEADDR");
  // 0.0.0.0 and [::] can then be given side by side, and each is what it says.
  if (addresses->ai_family == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return failure(address, "IPV6_V6ONLY");
  }
  if (!set_options(fd.get(), options)) return failure(address, "socket options");
  if (::bind(fd.get(), addresses->ai_addr, addresses->ai_addrlen) != 0) return failure(address, "bind");
  if (::listen(fd.get(), options.backlog) != 0) return failure(address, "listen");
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  if (name.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
  return 0;
}

IpAddress address_of(const sockaddr_storage& name) {
  if (name.ss_family == AF_INET) {
    return IpAddress::of_v4(
        reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in&>(name).sin_addr));
  }
  if (name.ss_family == AF_INET6) {
    return IpAddress::of_v6(
        reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in6&>(name).sin6_addr));
  }
  return {};
}

// Where there is no core to spare, connections that come do not take an io thread's from it one by one: they wait until
// it rests, or has had its turn, and are then accepted together. Without it, all goes on as before.
void yield_to_io_threads() {
  const sched_param none{};
  (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &none);
}

bool is_exhausted(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

Fd reserve_fd() { return Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

}  // namespace

class Acceptor::Listener {
 public:
  Listener(Acceptor& acceptor, Fd fd, const ListenAddress& address, AcceptSink& sink)
      : acceptor_{acceptor},
        fd_{fd.get()},
        descriptor_{acceptor.context_.get_executor(), fd.release()},
        pause_{acceptor.context_},
        reserve_{reserve_fd()},
        unix_path_{address.unix_path},
        has_proxy_header_{address.has_proxy_header},
        sink_{sink},
        batches_(acceptor.threads_.size()) {}

  ~Listener() {
    if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  }

  // Those that the kernel has taken already would be reset with the listening socket.
  void accept_rest() {
    while (accept_turn() == Turn::full) continue;
    hand_out();
  }

  void wait() {
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                             if (!error) accept_some();
                           });
  }

 private:
  enum class Turn : std::uint8_t {
    none_left,
    full,  // there may be more
    out_of_fds,
  };

  void accept_some() {
    const Turn turn = accept_turn();
    hand_out();
    if (turn == Turn::out_of_fds) {
      pause();
    } else {
      wait();
    }
  }

  Turn accept_turn() {
    for (int i = 0; i < kAcceptsATurn; ++i) {
      sockaddr_storage name{};
      socklen_t size = sizeof name;
      Fd fd{::accept4(fd_, reinterpret_cast<sockaddr*>(&name), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (fd) {
        admit(std::move(fd), name);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Turn::none_left;
      if (is_exhausted(errno)) return Turn::out_of_fds;
      // Others (ECONNABORTED and what the network says of that connection) concern the one that is gone already.
    }
    return Turn::full;
  }

  void admit(Fd fd, const sockaddr_storage& name) {
    const IpAddress peer = address_of(name);
    const bool is_trusted = acceptor_.trusted_proxies_.contains(peer);
    if (has_proxy_header_ && !is_trusted) {
      acceptor_.counters_.untrusted.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    auto [verdict, slot] = is_trusted ? acceptor_.limit_.admit() : acceptor_.limit_.admit(AddressKey::of(peer));
    if (verdict == ConnectionLimit::Verdict::turned_away) {
      acceptor_.counters_.turned_away.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    acceptor_.counters_.accepted.fetch_add(1, std::memory_order_relaxed);
    const std::size_t index = acceptor_.threads_.least_loaded();
    acceptor_.threads_.load(index).add(1);
    batches_[index].push_back({std::move(fd), peer, has_proxy_header_, verdict, std::move(slot)});
  }

  // One wake-up a loop, however many came.
  void hand_out() {
    for (std::size_t index = 0; index < batches_.size(); ++index) {
      if (batches_[index].empty()) continue;
      // Shared because std::function wants to copy what it holds; it never is.
      auto batch = std::make_shared<std::vector<Accepted>>(std::exchange(batches_[index], {}));
      acceptor_.threads_.loop(index).post([index, batch, &sink = sink_] {
        for (Accepted& accepted : *batch) sink.on_accepted(index, std::move(accepted));
      });
    }
  }

  // Without a descriptor the waiting connection cannot even be turned away, and the socket stays readable: the reserve
  // is given up to close one, and accepting rests, so that this is no busy loop.
  void pause() {
    acceptor_.counters_.out_of_fds.fetch_add(1, std::memory_order_relaxed);
    reserve_.reset();
    Fd{::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)}.reset();
    reserve_ = reserve_fd();
    pause_.expires_after(kPause);
    pause_.async_wait([this](const boost::system::error_code& error) {
      if (!error) wait();
    });
  }

  Acceptor& acceptor_;
  int fd_;
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
  boost::asio::steady_timer pause_;
  Fd reserve_;
  std::string unix_path_;
  bool has_proxy_header_;
  AcceptSink& sink_;
  std::vector<std::vector<Accepted>> batches_;  // by loop
};

Acceptor::Acceptor(IoThreads& threads, ConnectionLimit& limit, Networks trusted_proxies)
    : threads_{threads}, limit_{limit}, trusted_proxies_{std::move(trusted_proxies)} {}

Acceptor::~Acceptor() { stop(); }

Result<ListenAddress> Acceptor::listen(const ListenAddress& address, const SocketOptions& options, AcceptSink& sink) {
  auto fd = address.is_unix() ? listen_unix(address, options) : listen_tcp(address, options);
  if (!fd) return fd.error();
  ListenAddress bound = address;
  if (!address.is_unix()) bound.port = port_of(fd->get());
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(*fd), address, sink));
  return bound;
}

void Acceptor::start() {
  for (auto& listener : listeners_) listener->wait();
  thread_ = std::thread{[this] {
    name_thread("accept");
    yield_to_io_threads();
    context_.run();
  }};
}

void Acceptor::stop() {
  context_.stop();
  if (!thread_.joinable()) return listeners_.clear();
  thread_.join();
  for (auto& listener : listeners_) listener->accept_rest();
  listeners_.clear();
}

}  // namespace tailgate
