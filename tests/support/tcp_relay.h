// A wire between two parts of a test, which can stop passing without telling either of them.
#pragma once

#include <atomic>
#include <list>
#include <thread>

namespace tailgate::test {

class TcpRelay {
 public:
  // Passes on what comes to its port, to `target_port` of this machine, and what comes back.
  explicit TcpRelay(int target_port);
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  int port() const { return port_; }
  // From now on connections stay open, new ones are made, and nothing comes through.
  void cut() { set(Order::wait); }
  // What was said meanwhile comes late.
  void mend() { set(Order::pass); }

 private:
  enum class Order { pass, wait, end };
  struct Pair {
    int client;
    int target;
  };

  void set(Order order);
  void run();
  void accept_one();
  bool pass(const Pair& pair, short client_events, short target_events);

  const int target_port_;
  int listener_;
  int port_;
  int wake_;
  std::atomic<Order> order_{Order::pass};
  std::list<Pair> pairs_;  // its thread's
  std::thread thread_;
};

}  // namespace tailgate::test
