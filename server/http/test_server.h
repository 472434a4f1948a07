// For tests: a real server on loopback, with the handler of test_handler.h behind it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "limits/connection_limit.h"
#include "server/http/server.h"
#include "server/http/test_handler.h"
#include "server/net/acceptor.h"
#include "server/net/io_threads.h"
#include "server/net/tls_context.h"

namespace tailgate::testing {

// Asks again and again; false when it did not come true in time.
inline bool eventually(const std::function<bool()>& is_true,
                       std::chrono::milliseconds time = std::chrono::seconds{10}) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

struct TestServerSetup {
  HttpOptions http;
  SocketOptions sockets;
  std::size_t threads = 1;
  std::size_t connections_max = 1000;
  std::size_t per_address_max = 0;
  std::string listen = "http://127.0.0.1:0";
  const TlsContext* tls = nullptr;  // for an https listener
};

class TestServer {
 public:
  explicit TestServer(const TestServerSetup& setup = {})
      : io_{clock_, setup.threads},
        server_{io_, setup.http, handler, observer},
        limit_{setup.connections_max, setup.per_address_max, 4},
        acceptor_{io_, limit_} {
    ignore_broken_pipes();
    const auto address = parse_listen_address(setup.listen);
    AcceptSink& sink = setup.tls == nullptr ? server_.clear_sink() : server_.tls_sink(*setup.tls);
    const auto bound = acceptor_.listen(*address, setup.sockets, sink);
    address_ = bound.value();
    io_.start();
    acceptor_.start();
  }
  ~TestServer() { stop(); }

  void stop() {
    acceptor_.stop();
    io_.stop();
  }

  std::uint16_t port() const { return address_.port; }
  const ListenAddress& address() const { return address_; }
  std::string url(std::string_view path) const { return address_.text() + std::string{path}; }
  HttpServer& server() { return server_; }
  Acceptor& acceptor() { return acceptor_; }
  IoThreads& io() { return io_; }
  const ConnectionLimit& limit() const { return limit_; }

  // Returns when it is done on every loop.
  void on_loops(const std::function<void(std::size_t)>& work) {
    for (std::size_t i = 0; i < io_.size(); ++i) {
      std::atomic<bool> is_done{false};
      io_.loop(i).post([&] {
        work(i);
        is_done = true;
        is_done.notify_one();
      });
      is_done.wait(false);
    }
  }
  void publish(std::string_view text) {
    on_loops([&](std::size_t i) {
      for (EventsSource* source : handler.events[i]) source->publish(text);
    });
  }
  void end_events() {
    on_loops([&](std::size_t i) {
      for (EventsSource* source : handler.events[i]) source->end();
    });
  }
  void answer_later(std::string_view body) {
    on_loops([&](std::size_t) {
      const std::vector<Exchange*> waiting = std::exchange(handler.later, {});
      for (Exchange* exchange : waiting) {
        Response response;
        response.body = std::string{body};
        exchange->respond(std::move(response));
      }
    });
  }
  std::int64_t open(OpenGauge gauge) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < server_.threads(); ++i) sum += server_.counters(i).open.get(gauge);
    return sum;
  }
  std::int64_t events(HttpEvent event) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < server_.threads(); ++i) sum += server_.counters(i).events.get(event);
    return sum;
  }
  std::int64_t open_connections() const {
    return open(OpenGauge::connections_new) + open(OpenGauge::connections_h1) + open(OpenGauge::connections_h2);
  }

  TestHandler handler;
  TestObserver observer;

 private:
  SystemClock clock_;
  IoThreads io_;
  HttpServer server_;
  ConnectionLimit limit_;
  Acceptor acceptor_;
  ListenAddress address_;
};

}  // namespace tailgate::testing
