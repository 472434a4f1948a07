#include "server/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>

#include "base/metric_page.h"
#include "server/process_metrics.h"

namespace tailgate {
namespace {

// By EventFormat; by StreamState.
constexpr std::array<std::string_view, kEventFormats> kFormatNames{"sse", "sse_envelope", "ndjson", "json"};
constexpr std::array<std::string_view, kStreamStates> kStateNames{"live", "ahead", "behind"};

template <class Number>
double as_double(Number number) {
  return static_cast<double>(number);
}

// Over all threads.
template <class Counters>
double sum(const std::vector<const Counters*>& threads, Counter Counters::*member) {
  std::uint64_t all = 0;
  for (const Counters* counters : threads) all += (counters->*member).get();
  return as_double(all);
}

void add_connections(MetricPage& page, const MetricSources& from) {
  const auto open = [&](OpenGauge kind) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < from.http.threads(); ++i) sum += from.http.counters(i).open.get(kind);
    return as_double(sum);
  };
  constexpr std::string_view kHelp = "Connections open now.";
  page.gauge("tailgate_connections", kHelp, open(OpenGauge::connections_new), {{"protocol", "unknown"}});
  page.gauge("tailgate_connections", kHelp, open(OpenGauge::connections_h1), {{"protocol", "h1"}});
  page.gauge("tailgate_connections", kHelp, open(OpenGauge::connections_h2), {{"protocol", "h2"}});
  page.gauge("tailgate_connections_admitted", "Connections that count against max_connections.",
             as_double(from.connections.count()));
  page.gauge("tailgate_connections_max", "The setting max_connections.", as_double(from.max_connections));
  page.counter("tailgate_connections_accepted_total", "Connections accepted.", as_double(from.accept.accepted.load()));
  page.counter("tailgate_connections_turned_away_total", "Connections closed at once, far above the limits.",
               as_double(from.accept.turned_away.load()));
  page.counter("tailgate_connections_untrusted_total",
               "Connections to listeners with PROXY headers that came from no trusted proxy.",
               as_double(from.accept.untrusted.load()));
  page.counter("tailgate_accept_pauses_total", "Times that accepting paused for want of file descriptors.",
               as_double(from.accept.out_of_fds.load()));
  page.gauge("tailgate_requests_open", "Answers that are being sent, streams among them; polls that wait are not.",
             open(OpenGauge::streams));
}

void add_requests(MetricPage& page, const MetricSources& from) {
  const RequestCounts counts = from.access.counts();
  for (const auto& [status, count] : counts.by_status) {
    page.counter("tailgate_requests_total", "Requests ended, by status (0: the client was gone before).",
                 as_double(count), {{"status", std::to_string(status)}});
  }
  for (const auto& [why, count] : counts.by_ending) {
    page.counter("tailgate_requests_ended_total", "Requests ended, by what ended them.", as_double(count),
                 {{"why", why}});
  }
  for (const auto& [code, count] : counts.by_problem) {
    page.counter("tailgate_errors_total", "Error answers, by code.", as_double(count), {{"code", code}});
  }
  for (std::size_t event = 0; event < kHttpEventNames.size(); ++event) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < from.http.threads(); ++i) {
      sum += from.http.counters(i).events.get(static_cast<HttpEvent>(event));
    }
    if (static_cast<HttpEvent>(event) == HttpEvent::body_bytes_sent) continue;
    page.counter("tailgate_http_events_total", "What happened on connections.", as_double(sum),
                 {{"event", kHttpEventNames[event]}});
  }
  std::int64_t sent = 0;
  for (std::size_t i = 0; i < from.http.threads(); ++i)
    sent += from.http.counters(i).events.get(HttpEvent::body_bytes_sent);
  page.counter("tailgate_sent_bytes_total", "Bytes of bodies handed to sockets.", as_double(sent));
  std::uint64_t bodies = 0;
  for (std::size_t i = 0; i < from.http.threads(); ++i) bodies += from.http.bodies_bytes(i);
  page.gauge("tailgate_bodies_bytes", "Memory of requests' bodies and of answers that are there in full.",
             as_double(bodies));
  page.gauge("tailgate_bodies_max_bytes", "The setting bodies_bytes.", as_double(from.bodies_bytes));
}

void add_streams(MetricPage& page, const MetricSources& from) {
  for (std::size_t format = 0; format < kEventFormats; ++format) {
    for (std::size_t state = 0; state < kStreamStates; ++state) {
      std::uint64_t sum = 0;
      for (const StreamCounters* counters : from.streams) sum += counters->streams[format][state].get();
      page.gauge("tailgate_streams", "Streams open now, by representation and by where they stand.", as_double(sum),
                 {{"representation", kFormatNames[format]}, {"state", kStateNames[state]}});
    }
  }
  page.counter("tailgate_records_out_total", "Records delivered.", sum(from.streams, &StreamCounters::records_out));
  page.counter("tailgate_bytes_out_total", "Bytes of streams delivered.",
               sum(from.streams, &StreamCounters::bytes_out));
  for (std::size_t coding = 0; coding < kCodings; ++coding) {
    const auto of_coding = [&](Counter CodingCounters::*member) {
      std::uint64_t sum = 0;
      for (const StreamCounters* counters : from.streams) sum += (counters->coded[coding].*member).get();
      return as_double(sum);
    };
    const MetricLabels labels{{"coding", kCodingNames[coding]}};
    page.gauge("tailgate_compressed_streams", "Compressed streams open now.", of_coding(&CodingCounters::streams),
               labels);
    page.counter("tailgate_compressed_plain_bytes_total", "Bytes delivered by compressed streams, before compression.",
                 of_coding(&CodingCounters::plain_bytes), labels);
    page.counter("tailgate_compressed_bytes_out_total", "What they became.", of_coding(&CodingCounters::bytes_out),
                 labels);
    page.counter("tailgate_compressed_shared_bytes_total",
                 "Bytes of events that were compressed once for all who take them.",
                 of_coding(&CodingCounters::shared_bytes), labels);
  }
  page.counter("tailgate_records_encoded_total", "Records encoded into feeds.",
               sum(from.streams, &StreamCounters::records_encoded));
  page.counter("tailgate_gaps_total", "Gaps told to clients.", sum(from.streams, &StreamCounters::gaps));
  page.counter("tailgate_resets_total", "Resets told to clients.", sum(from.streams, &StreamCounters::resets));
  page.counter("tailgate_faults_total", "Streams ended by a fault.", sum(from.streams, &StreamCounters::faults));
  page.counter("tailgate_evictions_total", "Streams that fell out of a feed's memory and read on from Kafka.",
               sum(from.streams, &StreamCounters::evictions));
  page.counter("tailgate_cuts_total", "Streams cut within an event whose record is gone.",
               sum(from.streams, &StreamCounters::cuts));
  page.gauge("tailgate_feeds", "Feeds in memory, of all threads.", sum(from.streams, &StreamCounters::feeds));
  page.gauge("tailgate_feeds_bytes", "Memory of feeds.", sum(from.streams, &StreamCounters::feed_bytes));
  page.gauge("tailgate_feeds_max_bytes", "The setting feeds_bytes.", as_double(from.feeds_bytes));

  std::array<double, kDelayBucketsMs.size()> bounds{};
  std::array<std::uint64_t, kDelayBucketsMs.size() + 1> counts{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = as_double(kDelayBucketsMs[i]) / 1000;
  for (const StreamCounters* counters : from.streams) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += counters->delay_buckets[i].get();
  }
  page.histogram("tailgate_delivery_delay_seconds", "From a record's timestamp to the making of its event.", bounds,
                 counts, sum(from.streams, &StreamCounters::delay_sum_ms) / 1000);
}

void add_redis(MetricPage& page, const MetricSources& from) {
  page.gauge("tailgate_redis_configured", "1 where Redis is used, 0 where memory is.", from.redis.empty() ? 0 : 1);
  if (from.redis.empty()) return;
  page.counter("tailgate_redis_calls_total", "Scripts asked for, refused ones too.",
               sum(from.redis, &RedisCounters::calls));
  for (std::size_t i = 0; i < kRedisFailureNames.size(); ++i) {
    std::uint64_t all = 0;
    for (const RedisCounters* counters : from.redis) all += counters->failures[i].get();
    page.counter("tailgate_redis_failures_total", "Calls that came to nothing, by why.", as_double(all),
                 {{"why", kRedisFailureNames[i]}});
  }
  page.counter("tailgate_redis_connects_total", "Connections that came up.", sum(from.redis, &RedisCounters::connects));
  page.counter("tailgate_redis_breaker_opens_total", "Times that a breaker opened.",
               sum(from.redis, &RedisCounters::breaker_opens));
  page.gauge("tailgate_redis_breakers_open", "Breakers that are open: calls are refused at once.",
             sum(from.redis, &RedisCounters::is_breaker_open));
  page.gauge("tailgate_redis_calls_waiting", "Commands without their reply.", sum(from.redis, &RedisCounters::waiting));
  std::array<double, kRedisLatencyBucketsUs.size()> bounds{};
  std::array<std::uint64_t, kRedisLatencyBucketsUs.size() + 1> counts{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = as_double(kRedisLatencyBucketsUs[i]) / 1e6;
  for (const RedisCounters* counters : from.redis) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += counters->latency[i].get();
  }
  page.histogram("tailgate_redis_latency_seconds", "From a call to its answer.", bounds, counts,
                 sum(from.redis, &RedisCounters::latency_sum_us) / 1e6);
}

void add_cursors(MetricPage& page, const MetricSources& from) {
  const auto add = [&](std::string_view result, Counter CursorCounters::*member) {
    page.counter("tailgate_cursor_saves_total", "Positions that streams had to save, by what became of it.",
                 sum(from.cursors, member), {{"result", result}});
  };
  add("saved", &CursorCounters::saves);
  add("retried", &CursorCounters::retries);
  add("refused", &CursorCounters::refused);
  add("dropped", &CursorCounters::dropped);
}

void add_kafka(MetricPage& page, const MetricSources& from) {
  const TailCounts tails = from.kafka.tails().counts();
  page.counter("tailgate_records_in_total", "Records read at the tails.", as_double(tails.records));
  page.counter("tailgate_bytes_in_total", "Bytes read at the tails.", as_double(tails.bytes));
  page.gauge("tailgate_tail_partitions", "Partitions whose tails are read.", as_double(tails.tailed));
  page.gauge("tailgate_tail_partitions_behind", "Of these, not at the readable end.", as_double(tails.behind));
  page.gauge("tailgate_tail_lag_seconds", "How old the newest record of the last batch was.",
             as_double(tails.delay_ms) / 1000);
  page.counter("tailgate_tail_errors_total", "Errors that partitions reported.", as_double(tails.errors));
  page.counter("tailgate_tail_breaks_total", "Retention, truncation or recreation met at a tail.",
               as_double(tails.continuity_lost));
  page.gauge("tailgate_record_bytes", "Memory of the newest records.", as_double(tails.log_bytes));
  page.gauge("tailgate_record_max_bytes", "The setting record_bytes.", as_double(from.record_bytes));

  const HistoryCounts history = from.kafka.history().counts();
  page.counter("tailgate_history_hits_total", "Pages found in memory.", as_double(history.hits));
  page.counter("tailgate_history_misses_total", "Pages asked for and not in memory.", as_double(history.misses));
  page.counter("tailgate_history_pages_total", "Pages read from Kafka.", as_double(history.pages));
  page.counter("tailgate_history_records_total", "Records read from Kafka for streams that are behind.",
               as_double(history.records));
  page.counter("tailgate_history_read_bytes_total", "Bytes of these.", as_double(history.bytes));
  page.counter("tailgate_history_errors_total", "Errors that partitions reported.", as_double(history.errors));
  page.counter("tailgate_history_unanswered_total", "Questions that ended without Kafka.", as_double(history.downs));
  page.gauge("tailgate_history_reading", "Reads under way.", as_double(history.runs_reading));
  page.gauge("tailgate_history_waiting", "Reads that wait for a place.", as_double(history.runs_waiting));
  page.gauge("tailgate_history_bytes", "Memory of pages.", as_double(history.memory_bytes));
  page.gauge("tailgate_history_max_bytes", "The setting history_bytes.", as_double(from.history_bytes));

  const KafkaCatalog& catalog = from.kafka.catalog();
  const std::shared_ptr<const Topics> topics = catalog.topics();
  page.gauge("tailgate_kafka_up", "1 while Kafka answers.", catalog.is_reachable() ? 1 : 0);
  page.gauge("tailgate_topics", "Topics that are exposed and exist.", as_double(topics->by_name.size()));
  page.counter("tailgate_topics_reads_total", "Times that Kafka was asked what topics there are.",
               as_double(catalog.reads()));
  page.gauge("tailgate_topics_denied", "Topics that Kafka's access rules keep from this server.",
             as_double(catalog.denied_topics()));
  auto reports = from.kafka.reports().counts();
  reports.try_emplace("authentication", 0);  // the one to be alarmed by is there before it happens
  for (const auto& [kind, count] : reports) {
    page.counter("tailgate_kafka_errors_total", "What Kafka's client reported, by kind.", as_double(count),
                 {{"kind", kind}});
  }
}

struct OfTopic {
  double partitions = 0;
  double records_in = 0;
  double bytes_in = 0;
  double records_out = 0;
  double bytes_out = 0;
  double lso_lag = 0;
};

std::map<std::string, OfTopic> by_label(const MetricSources& from) {
  std::map<std::string, OfTopic> labels;
  std::map<std::string, std::string> public_names;  // by Kafka's
  const std::shared_ptr<const Topics> topics = from.kafka.catalog().topics();
  for (const auto& [name, topic] : topics->by_name) {
    public_names[topic.kafka_name] = name;
    labels[from.topic_labels.of(name)].partitions += topic.partitions;
  }
  for (const auto& [kafka_name, counts] : from.kafka.tails().topic_counts()) {
    const auto name = public_names.find(kafka_name);
    OfTopic& label = labels[from.topic_labels.of(name == public_names.end() ? kafka_name : name->second)];
    label.records_in += as_double(counts.records);
    label.bytes_in += as_double(counts.bytes);
    label.lso_lag = std::max(label.lso_lag, as_double(counts.unreadable));
  }
  for (const StreamCounters* counters : from.streams) {
    counters->topics.each([&](const std::string& name, const TopicCounter& counter) {
      OfTopic& label = labels[from.topic_labels.of(name)];
      label.records_out += as_double(counter.records.get());
      label.bytes_out += as_double(counter.bytes.get());
    });
  }
  return labels;
}

void add_topics(MetricPage& page, const MetricSources& from) {
  const std::map<std::string, OfTopic> labels = by_label(from);
  const auto each = [&labels](const auto& add) {
    for (const auto& [name, of] : labels) add(of, {{"topic", name}});
  };
  using Labels = MetricLabels;
  each([&](const OfTopic& of, Labels topic) {
    page.gauge("tailgate_topic_partitions", "Partitions of topics.", of.partitions, topic);
  });
  each([&](const OfTopic& of, Labels topic) {
    page.counter("tailgate_topic_records_in_total", "Records read at the tails.", of.records_in, topic);
  });
  each([&](const OfTopic& of, Labels topic) {
    page.counter("tailgate_topic_bytes_in_total", "Bytes of these.", of.bytes_in, topic);
  });
  each([&](const OfTopic& of, Labels topic) {
    page.counter("tailgate_topic_records_out_total", "Records delivered.", of.records_out, topic);
  });
  each([&](const OfTopic& of, Labels topic) {
    page.counter("tailgate_topic_bytes_out_total", "Bytes of their events.", of.bytes_out, topic);
  });
  each([&](const OfTopic& of, Labels topic) {
    page.gauge("tailgate_lso_lag", "Offsets that open transactions keep from readers, the most of any partition.",
               of.lso_lag, topic);
  });
}

void add_limits(MetricPage& page, const MetricSources& from) {
  page.counter("tailgate_limit_admitted_total", "Requests within limit_requests.",
               sum(from.limits, &LimitCounters::admitted));
  constexpr std::string_view kRefused = "What was refused, by limit.";
  page.counter("tailgate_limit_refused_total", kRefused, sum(from.limits, &LimitCounters::refused),
               {{"limit", "requests"}});
  page.counter("tailgate_limit_refused_total", kRefused, sum(from.limits, &LimitCounters::slots_refused),
               {{"limit", "streams"}});
  page.counter("tailgate_limit_questions_total",
               "Questions about requests: what leases and known refusals did not answer.",
               sum(from.limits, &LimitCounters::asked));
  page.counter("tailgate_limit_waits_total", "Times that a stream had to wait for limit_records or limit_bytes.",
               sum(from.limits, &LimitCounters::waits));
  page.counter("tailgate_limit_without_redis_total", "Questions that this replica answered from its own share.",
               sum(from.limits, &LimitCounters::without_redis));
  page.gauge("tailgate_limit_slots", "Streams and long polls that count against limit_streams here.",
             as_double(from.limit_slots));
  page.gauge("tailgate_replicas", "Replicas that share the limits.", as_double(from.replicas));
}

}  // namespace

std::string TopicLabels::of(const std::string& topic) {
  const std::scoped_lock lock{mutex_};
  if (names_.contains(topic)) return topic;
  if (names_.size() >= names_max_) return "other";
  names_.insert(topic);
  return topic;
}

std::string metrics_text(const MetricSources& sources) {
  MetricPage page;
  page.gauge("tailgate_build_info", "1; the version is a label.", 1, {{"version", TAILGATE_VERSION}});
  add_connections(page, sources);
  add_requests(page, sources);
  add_streams(page, sources);
  add_limits(page, sources);
  add_kafka(page, sources);
  add_topics(page, sources);
  add_redis(page, sources);
  add_cursors(page, sources);
  page.counter("tailgate_log_lines_dropped_total", "Lines that stderr did not take in time.",
               as_double(sources.log_lines_dropped()));
  add_process_metrics(page);
  return page.text();
}

}  // namespace tailgate
