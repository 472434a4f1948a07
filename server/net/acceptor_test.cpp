#include "server/net/acceptor.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace tailgate {
namespace {

class Collector final : public AcceptSink {
 public:
  void on_accepted(std::size_t loop_index, Accepted accepted) override {
    const std::lock_guard lock{mutex_};
    loops_.push_back(loop_index);
    held_.push_back(std::move(accepted));
  }
  std::size_t count() const {
    const std::lock_guard lock{mutex_};
    return held_.size();
  }
  const Accepted& at(std::size_t i) const {
    const std::lock_guard lock{mutex_};
    return held_[i];
  }
  std::vector<std::size_t> loops() const {
    const std::lock_guard lock{mutex_};
    return loops_;
  }
  void drop_all() {
    const std::lock_guard lock{mutex_};
    held_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::size_t> loops_;
  std::vector<Accepted> held_;
};

bool eventually(const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

Fd connect_to(const ListenAddress& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  Fd fd{::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  v6.sin6_addr = in6addr_loopback;
  const int result = is_v6 ? ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6)
                           : ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  return result == 0 ? std::move(fd) : Fd{};
}

Fd connect_to_path(const std::string& path) {
  Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? std::move(fd) : Fd{};
}

class AcceptorTest : public ::testing::Test {
 protected:
  ListenAddress listen(const char* text, const SocketOptions& options = {}) {
    const auto bound = acceptor_.listen(*parse_listen_address(text), options, sink_);
    EXPECT_TRUE(bound) << bound.error().detail;
    return *bound;
  }
  void start() {
    threads_.start();
    acceptor_.start();
  }
  void TearDown() override {
    acceptor_.stop();
    threads_.stop();
  }

  SystemClock clock_;
  IoThreads threads_{clock_, 2};
  ConnectionLimit limit_{100, 0, 2};
  Collector sink_;
  Acceptor acceptor_{threads_, limit_};
};

int option_of(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  (void)::getsockopt(fd.get(), level, name, &value, &size);
  return value;
}

// How many threads of this process leave the core to others that run on it.
int yielding_threads() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (::sched_getscheduler(std::stoi(task.path().filename().string())) == SCHED_BATCH) ++count;
  }
  return count;
}

TEST_F(AcceptorTest, AcceptsBesideTheIoThreadsAndNotInTheirPlace) {
  listen("127.0.0.1:0");
  ASSERT_EQ(yielding_threads(), 0);
  start();
  EXPECT_TRUE(eventually([] { return yielding_threads() == 1; }));
}

TEST_F(AcceptorTest, TakesIpv4Ipv6AndUnixSocketsAtOnce) {
  const test::TempDir folder;
  const ListenAddress v4 = listen("127.0.0.1:0");
  const ListenAddress v6 = listen("[::1]:0");
  const std::string path = folder / "socket";
  listen(("unix:" + path).c_str());
  start();

  EXPECT_TRUE(connect_to(v4));
  EXPECT_TRUE(eventually([&] { return sink_.count() == 1; }));
  EXPECT_TRUE(connect_to(v6));
  EXPECT_TRUE(eventually([&] { return sink_.count() == 2; }));
  EXPECT_TRUE(connect_to_path(path));
  EXPECT_TRUE(eventually([&] { return sink_.count() == 3; }));

  EXPECT_EQ(sink_.at(0).peer.text(), "127.0.0.1");
  EXPECT_EQ(sink_.at(1).peer.text(), "::1");
  EXPECT_EQ(sink_.at(2).peer.text(), "unix");
}

TEST_F(AcceptorTest, AcceptedSocketsHaveTheOptionsOfTheListener) {
  const SocketOptions options{.notsent_lowat_bytes = 12'345, .user_timeout_ms = 4'321};
  const ListenAddress address = listen("127.0.0.1:0", options);
  start();
  const Fd client = connect_to(address);
  ASSERT_TRUE(eventually([&] { return sink_.count() == 1; }));

  const Fd& fd = sink_.at(0).fd;
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12'345);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 4'321);
}

TEST_F(AcceptorTest, HandsEachConnectionToTheLeastLoadedThread) {
  const ListenAddress address = listen("127.0.0.1:0");
  threads_.load(0).add(3);
  start();
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(connect_to(address));
    ASSERT_TRUE(eventually([&] { return sink_.count() == clients.size(); }));
  }

  EXPECT_EQ(sink_.loops(), (std::vector<std::size_t>{1, 1, 1, 0, 1}));
}

TEST_F(AcceptorTest, TakesOverTheSocketOfAKilledProcessAndRemovesItsOwn) {
  const test::TempDir folder;
  const std::string path = folder / "socket";
  {
    const Fd killed{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(killed.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  listen(("unix:" + path).c_str());
  start();
  EXPECT_TRUE(connect_to_path(path));
  EXPECT_FALSE(acceptor_.listen(*parse_listen_address("unix:" + path), {}, sink_)) << "took a socket that is in use";

  acceptor_.stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(AcceptorTest, SaysWhatIsWrongWithAnAddressThatCannotBeHad) {
  const ListenAddress taken = listen("127.0.0.1:0");
  const auto again = acceptor_.listen(taken, {}, sink_);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().detail.find("Address already in use"), std::string::npos) << again.error().detail;
}

TEST_F(AcceptorTest, PausesWithoutFileDescriptorsAndGoesOnWhenThereAreSome) {
  const ListenAddress address = listen("127.0.0.1:0");
  start();
  std::vector<Fd> clients(5);
  for (Fd& client : clients) client = connect_to(address);
  ASSERT_TRUE(eventually([&] { return sink_.count() == 5; }));
  clients.push_back(Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)});

  // The next descriptor would be above the limit: ours has been made before.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit now = before;
  now.rlim_cur = static_cast<rlim_t>(Fd{::dup(0)}.get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::clock_t cpu_before = std::clock();
  EXPECT_TRUE(eventually([&] { return acceptor_.counters().out_of_fds >= 1; }));
  // It was closed, by way of the reserve, and not left to hang.
  char byte = 0;
  EXPECT_EQ(::recv(clients.back().get(), &byte, 1, 0), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  clients.push_back(connect_to(address));
  EXPECT_TRUE(eventually([&] { return sink_.count() == 6; }));
  EXPECT_LT(acceptor_.counters().out_of_fds, 20U) << "a busy loop";
  EXPECT_LT(std::clock() - cpu_before, CLOCKS_PER_SEC);
}

TEST_F(AcceptorTest, ClosesThoseWhoAreNotEvenTold) {
  const ListenAddress address = listen("127.0.0.1:0");
  start();
  std::vector<Fd> clients(103);
  for (Fd& client : clients) client = connect_to(address);

  EXPECT_TRUE(eventually([&] { return acceptor_.counters().turned_away == 1; }));
  EXPECT_EQ(acceptor_.counters().accepted, 102U);
  EXPECT_TRUE(eventually([&] { return sink_.count() == 102; }));
  EXPECT_EQ(sink_.at(101).verdict, ConnectionLimit::Verdict::full);
  sink_.drop_all();
  EXPECT_EQ(limit_.count(), 0U);
}

}  // namespace
}  // namespace tailgate
