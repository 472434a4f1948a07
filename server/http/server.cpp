#include "server/http/server.h"

#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "server/net/socket_transport.h"
#include "server/net/tls_transport.h"

namespace tailgate {
namespace {

constexpr std::chrono::milliseconds kPollTime{10};

}  // namespace

class HttpServer::Sink final : public AcceptSink {
 public:
  // tls: null for clear listeners.
  Sink(HttpServer& server, const TlsContext* tls) : server_{server}, tls_{tls} {}

  void on_accepted(std::size_t loop_index, Accepted accepted) override {
    PerThread& thread = *server_.per_thread_[loop_index];
    // A proxy speaks for others: whose handshake it is is not known yet.
    const bool is_counted = tls_ != nullptr && !accepted.has_proxy_header;
    if (is_counted && !server_.handshakes_.may_begin(AddressKey::of(accepted.peer), thread.http.now_ms())) {
      thread.http.counters.events.add(HttpEvent::refused_handshake);
      thread.http.load.add(-1);
      return;
    }
    auto transport =
        make_transport(server_.threads_.sockets(loop_index), std::move(accepted.fd), accepted.has_proxy_header);
    if (!transport) {
      thread.http.load.add(-1);
      return;
    }
    const ConnectionInfo info{.peer = accepted.peer,
                              .scheme = tls_ == nullptr ? Scheme::http : Scheme::https,
                              .verdict = accepted.verdict,
                              .handshakes = is_counted ? &server_.handshakes_ : nullptr};
    thread.connections
        .add(std::make_unique<Connection>(thread.http, thread.connections, std::move(transport), info,
                                          std::move(accepted.slot)))
        .start();
  }

 private:
  std::unique_ptr<Transport> make_transport(SocketEvents& events, Fd fd, bool has_proxy_header) const {
    if (tls_ != nullptr) return TlsTransport::make(events, std::move(fd), *tls_, has_proxy_header);
    return SocketTransport::make(events, std::move(fd), has_proxy_header);
  }

  HttpServer& server_;
  const TlsContext* tls_;
};

HttpServer::HttpServer(IoThreads& threads, const HttpOptions& options, Handler& handler, ExchangeObserver& observer)
    : threads_{threads}, options_{options}, handshakes_{options.handshake_failures_per_second} {
  for (std::size_t i = 0; i < threads.size(); ++i) {
    per_thread_.push_back(std::make_unique<PerThread>(threads.loop(i), threads.load(i), options_, handler, observer));
  }
}

HttpServer::~HttpServer() = default;

AcceptSink& HttpServer::clear_sink() { return *sinks_.emplace_back(std::make_unique<Sink>(*this, nullptr)); }

AcceptSink& HttpServer::tls_sink(const TlsContext& tls) {
  return *sinks_.emplace_back(std::make_unique<Sink>(*this, &tls));
}

// The sum of what it returns for each thread, once all have run it, and what was posted to them before.
std::size_t HttpServer::on_each_thread(const std::function<std::size_t(PerThread&)>& work) {
  std::vector<std::future<std::size_t>> results;
  for (std::size_t i = 0; i < per_thread_.size(); ++i) {
    const auto done = std::make_shared<std::promise<std::size_t>>();  // std::function wants to copy what it holds
    results.push_back(done->get_future());
    threads_.loop(i).post([done, &work, thread = per_thread_[i].get()] { done->set_value(work(*thread)); });
  }
  std::size_t sum = 0;
  for (auto& result : results) sum += result.get();
  return sum;
}

void HttpServer::drain() {
  on_each_thread([](PerThread& thread) {
    thread.connections.drain_all();
    return std::size_t{0};
  });
}

std::size_t HttpServer::reset_open() {
  return on_each_thread([](PerThread& thread) {
    const std::size_t open = thread.connections.reset_all();
    thread.http.counters.events.add(HttpEvent::reset_at_drain_end, static_cast<std::int64_t>(open));
    return open;
  });
}

std::int64_t HttpServer::open_connections() const {
  std::int64_t open = 0;
  for (const auto& thread : per_thread_) {
    const auto& gauges = thread->http.counters.open;
    open += gauges.get(OpenGauge::connections_new) + gauges.get(OpenGauge::connections_h1) +
            gauges.get(OpenGauge::connections_h2);
  }
  return open;
}

bool HttpServer::wait_closed(std::chrono::milliseconds time) const {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (open_connections() > 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollTime);
  }
  return true;
}

}  // namespace tailgate
