#include "server/app.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cassert>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "base/log.h"
#include "cursors/memory_cursors.h"
#include "cursors/redis_cursors.h"
#include "server/access_log.h"
#include "server/handlers/admin.h"
#include "server/handlers/cors.h"
#include "server/handlers/cursors.h"
#include "server/handlers/router.h"
#include "server/handlers/topics.h"
#include "server/http/server.h"
#include "server/metrics.h"
#include "server/redis_links.h"
#include "streams/feed_set.h"
#include "streams/mock_cluster.h"
#include "streams/sample_producer.h"

namespace tailgate {

namespace {

void log_report(ReportLevel level, const std::string& line) {
  if (level == ReportLevel::error) return spdlog::error(line);
  spdlog::warn(line);
}

// Of a signal whose default action does not end this process: it is the first one of a container.
void end_at_once(int signal) {
  std::raise(signal);
  _exit(128 + signal);
}

// The next such signal does what it does where nobody handles it.
void end_at_next(int signal) {
  struct sigaction next = {};
  next.sa_handler = end_at_once;
  next.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  sigaction(signal, &next, nullptr);
}

// What each io thread has of streams.
struct StreamThread {
  StreamThread(Loop& loop, KafkaStreams& kafka, Doubts& doubts, const FeedOptions& options)
      : context{loop, kafka.tails(), kafka.history(), kafka.catalog(), doubts, counters}, feeds{context, options} {}
  StreamCounters counters;
  StreamContext context;
  FeedSet feeds;
};

// What each io thread has of cursors.
struct CursorThread {
  CursorThread(std::unique_ptr<CursorStore> store_in, Catalog& catalog, Loop& loop)
      : store{std::move(store_in)}, commits{*store, catalog, loop, counters} {}
  CursorCounters counters;
  std::unique_ptr<CursorStore> store;
  CursorCommits commits;
};

// The embedded Kafka of the demo.
struct Demo {
  std::unique_ptr<MockCluster> cluster;
  std::unique_ptr<SampleProducer> producer;
};

Result<Demo> open_demo() {
  Demo demo;
  auto cluster = MockCluster::open(1);
  if (!cluster) return cluster.error();
  demo.cluster = std::move(*cluster);
  for (const SampleTopic& topic : SampleProducer::topics()) demo.cluster->create_topic(topic.name, topic.partitions);
  auto producer = SampleProducer::open(demo.cluster->bootstrap());
  if (!producer) return producer.error();
  demo.producer = std::move(*producer);
  return demo;
}

class App {
 public:
  explicit App(const AppOptions& options)
      : options_{options},
        io_{clock_, options.threads},
        admin_io_{clock_, 1},
        memory_cursors_{clock_, options.cursors},
        access_log_{clock_, options.threads} {}

  Result<void> start() {
    KafkaStreamsOptions kafka_options = options_.kafka;
    std::vector<std::string> topics = options_.topics;
    if (options_.is_demo) {
      auto demo = open_demo();
      if (!demo) return demo.error();
      demo_ = std::move(*demo);
      kafka_options.kafka.bootstrap = demo_.cluster->bootstrap();
      kafka_options.kafka.is_mock = true;
      topics.clear();
      for (const SampleTopic& topic : SampleProducer::topics()) topics.emplace_back(topic.name);
    }
    auto exposure = Exposure::parse(topics);
    if (!exposure) return exposure.error();
    auto kafka = KafkaStreams::open(kafka_options, std::move(*exposure), clock_, log_report, options_.threads);
    if (!kafka) return kafka.error();
    kafka_ = std::move(*kafka);
    if (options_.redis) {
      auto redis = RedisLinks::open(*options_.redis, options_.redis_wait > 0, io_);
      if (!redis) return redis.error();
      redis_ = std::move(*redis);
      spdlog::info("cursors and limits are shared in Redis at {}", options_.redis->servers.front().text());
    } else {
      spdlog::info("no redis is set: cursors and limits are in memory, for one replica, and gone with it");
    }
    make_handlers();
    return listen();
  }

  // Returns when a signal asked for the end and all is closed.
  void run(const std::function<void()>& on_hangup) {
    io_.start();
    admin_io_.start("admin");
    acceptor_->start();
    admin_acceptor_->start();
    boost::asio::io_context signals{1};
    boost::asio::signal_set hangups{signals, SIGHUP};  // as long as it lives, none ends the process
    wait_for_the_end(signals, hangups, on_hangup);
    stop();
  }

 private:
  std::unique_ptr<CursorStore> make_cursor_store(std::size_t index) {
    Loop& loop = io_.loop(index);
    if (!redis_) return std::make_unique<MemoryCursors>(memory_cursors_, loop);
    return std::make_unique<RedisCursors>(redis_->link(index), redis_->confirming(index), loop, options_.redis_prefix,
                                          options_.cursors, options_.redis_wait);
  }

  void make_handlers() {
    assert(options_.threads > 0);  // load_config() has seen to it
    std::vector<CursorCommits*> commits;
    for (std::size_t i = 0; i < options_.threads; ++i) {
      cursors_.push_back(std::make_unique<CursorThread>(make_cursor_store(i), kafka_->catalog(), io_.loop(i)));
      commits.push_back(&cursors_.back()->commits);
    }
    std::vector<FeedSet*> feeds;
    FeedOptions feed_options = options_.feeds;
    feed_options.feeds_bytes /= options_.threads;
    std::random_device random;
    for (std::size_t i = 0; i < options_.threads; ++i) {
      feed_options.jitter_seed = random();
      streams_.push_back(std::make_unique<StreamThread>(io_.loop(i), *kafka_, doubts_, feed_options));
      feeds.push_back(&streams_.back()->feeds);
    }
    limits_ = std::make_unique<LimitThreads>(options_.limits, clock_, io_, redis_.get(), options_.redis_prefix);
    streams_handler_ = std::make_unique<StreamsHandler>(std::move(feeds), commits, limits_->limits(), options_.streams);
    cursors_handler_ = std::make_unique<CursorsHandler>(std::move(commits), kafka_->catalog());
    topics_handler_ = std::make_unique<TopicsHandler>(kafka_->catalog());
    cors_ = std::make_unique<Cors>(options_.cors_origins);
    health_ = std::make_unique<HealthHandler>([this] { return health(); });
    router_ = std::make_unique<Router>(RouterParts{*streams_handler_, *topics_handler_, *cursors_handler_, *cors_,
                                                   options_.is_health_on_public ? health_.get() : nullptr,
                                                   options_.has_console, options_.connections_per_address,
                                                   limits_->limits()});
    admin_handler_ = std::make_unique<AdminHandler>(*health_, [this] { return metrics_text(metric_sources()); });
  }

  Result<void> listen() {
    connections_ = std::make_unique<ConnectionLimit>(options_.max_connections, options_.connections_per_address);
    server_ = std::make_unique<HttpServer>(io_, options_.http, *router_, access_log_);
    acceptor_ = std::make_unique<Acceptor>(io_, *connections_, options_.http.clients.trusted_proxies);
    for (const ListenAddress& address : options_.listen) {
      const bool is_tls = address.scheme == Scheme::https;
      if (is_tls && !tls_) {
        auto tls = TlsContext::load(options_.tls);
        if (!tls) return tls.error();
        tls_ = std::move(*tls);
      }
      AcceptSink& sink = is_tls ? server_->tls_sink(*tls_) : server_->clear_sink();
      const auto bound = acceptor_->listen(address, options_.sockets, sink);
      if (!bound) return bound.error();
      spdlog::info("listening on {}", bound->text());
    }
    admin_limit_ = std::make_unique<ConnectionLimit>(kAdminConnectionsMax, 0);
    admin_server_ = std::make_unique<HttpServer>(admin_io_, options_.http, *admin_handler_, admin_log_);
    admin_acceptor_ = std::make_unique<Acceptor>(admin_io_, *admin_limit_);
    const auto bound = admin_acceptor_->listen(options_.admin, options_.sockets, admin_server_->clear_sink());
    if (!bound) return bound.error();
    spdlog::info("admin port on {}", bound->text());
    return {};
  }

  MetricSources metric_sources() {
    MetricSources sources{.access = access_log_,
                          .http = *server_,
                          .accept = acceptor_->counters(),
                          .connections = *connections_,
                          .streams = {},
                          .redis = {},
                          .cursors = {},
                          .limits = limits_->counters(),
                          .limit_slots = limits_->slots(),
                          .replicas = limits_->replicas(),
                          .kafka = *kafka_,
                          .topic_labels = topic_labels_,
                          .log_lines_dropped = Logging::dropped,
                          .max_connections = options_.max_connections,
                          .record_bytes = options_.kafka.tails.record_bytes,
                          .feeds_bytes = options_.feeds.feeds_bytes,
                          .history_bytes = options_.kafka.history.history_bytes,
                          .bodies_bytes = options_.http.bodies_bytes_max * options_.threads};
    for (const auto& thread : streams_) sources.streams.push_back(&thread->counters);
    if (redis_) sources.redis = redis_->counters();
    for (const auto& thread : cursors_) sources.cursors.push_back(&thread->counters);
    return sources;
  }

  Health health() const {
    Health health;
    health.is_kafka_reachable = kafka_->catalog().is_reachable();
    if (redis_) health.redis = redis_->state();
    if (is_stopping_.load(std::memory_order_relaxed)) {
      health.stage = Stage::draining;
    } else if (kafka_->catalog().topics()->version > 0) {
      health.stage = Stage::serving;
    }
    return health;
  }

  // In this order: no balancer sends anybody any more, nobody can connect any more, and those who are here leave one by
  // one.
  void stop() {
    is_stopping_.store(true, std::memory_order_relaxed);
    std::this_thread::sleep_for(std::chrono::milliseconds{options_.drain_delay_ms});
    acceptor_->stop();
    begin_drain();
    if (!server_->wait_closed(std::chrono::milliseconds{options_.drain_ms})) {
      const std::size_t reset = server_->reset_open();
      if (reset > 0) spdlog::warn("{} connections did not take the end of their streams in time: reset", reset);
    }
    wait_saved();
    spdlog::info("stopped");
    admin_acceptor_->stop();
    admin_io_.stop();
    io_.stop();
  }

  // From here on no stream starts, and each is told in its turn.
  void begin_drain() {
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      io_.loop(i).post([commits = &cursors_[i]->commits] { commits->flush(); });
    }
    const std::int64_t spread_ms = options_.drain_ms * kDrainSpreadPercent / 100;
    for (const auto& thread : streams_) {
      thread->context.loop.post([spread_ms, drain = &thread->feeds.drain()] { drain->begin(spread_ms); });
    }
    server_->drain();
  }

  // What streams had passed when they ended is on its way to the store of cursors.
  void wait_saved() {
    const auto deadline = std::chrono::steady_clock::now() + kSavesTime;
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      while (!is_saved(i) && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(kPollTime);
    }
  }

  bool is_saved(std::size_t index) {
    std::promise<bool> answer;
    io_.loop(index).post([&answer, commits = &cursors_[index]->commits] { answer.set_value(commits->is_idle()); });
    return answer.get_future().get();
  }

  void wait_for_the_end(boost::asio::io_context& context, boost::asio::signal_set& hangups,
                        const std::function<void()>& on_hangup) {
    bool is_ending = false;  // cancel() does not reach a hangup whose turn has come already
    std::function<void(const boost::system::error_code&, int)> on_signal = [&](const boost::system::error_code& error,
                                                                               int) {
      if (error || is_ending) return;
      reload_certificates();
      on_hangup();
      hangups.async_wait(on_signal);
    };
    hangups.async_wait(on_signal);
    boost::asio::signal_set ends{context, SIGTERM, SIGINT};
    ends.async_wait([&](const boost::system::error_code&, int signal) {
      spdlog::info("stopping: signal {}; another one ends the process at once", signal);
      is_ending = true;
      ends.clear();
      end_at_next(SIGTERM);
      end_at_next(SIGINT);
      hangups.cancel();
    });
    context.run();
  }

  void reload_certificates() {
    if (!tls_) return;
    if (const auto reloaded = tls_->reload(); !reloaded) {
      return spdlog::error("the certificate stays the old one: {}", reloaded.error().detail);
    }
    spdlog::info("the certificate was read again");
  }

  static constexpr std::size_t kAdminConnectionsMax = 256;
  static constexpr std::chrono::milliseconds kSavesTime{500};
  static constexpr std::chrono::milliseconds kPollTime{10};
  static constexpr std::int64_t kDrainSpreadPercent = 75;  // of the drain; the rest is for those who read slowly

  // In the order of their making; destroyed in the reverse of it.
  const AppOptions options_;
  SystemClock clock_;
  std::atomic<bool> is_stopping_{false};
  Demo demo_;
  // Outlive the loops, with which a connection goes that was accepted and on its way to one that has stopped.
  std::unique_ptr<ConnectionLimit> connections_;
  std::unique_ptr<ConnectionLimit> admin_limit_;
  IoThreads io_;
  IoThreads admin_io_;
  std::unique_ptr<RedisLinks> redis_;
  MemoryCursorTable memory_cursors_;  // used where there is no Redis
  std::unique_ptr<KafkaStreams> kafka_;
  std::vector<std::unique_ptr<CursorThread>> cursors_;
  Doubts doubts_;
  std::vector<std::unique_ptr<StreamThread>> streams_;
  std::unique_ptr<LimitThreads> limits_;
  std::unique_ptr<StreamsHandler> streams_handler_;
  std::unique_ptr<TopicsHandler> topics_handler_;
  std::unique_ptr<CursorsHandler> cursors_handler_;
  std::unique_ptr<Cors> cors_;
  std::unique_ptr<HealthHandler> health_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<AdminHandler> admin_handler_;
  AccessLog access_log_;
  AccessLog admin_log_{clock_, 1, LogLevel::debug};  // probes and scrapes come every few seconds
  TopicLabels topic_labels_{options_.metrics_topics};
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<HttpServer> admin_server_;
  std::unique_ptr<Acceptor> admin_acceptor_;
};

}  // namespace

Result<void> run_app(const AppOptions& options, const std::function<void()>& on_hangup) {
  ignore_broken_pipes();
  App app{options};
  if (auto started = app.start(); !started) return started.error();
  app.run(on_hangup);
  return {};
}

}  // namespace tailgate
