#include "tests/simulation/simulation.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cursors/id.h"
#include "tests/simulation/client.h"
#include "tests/simulation/connection.h"
#include "tests/simulation/kafka_truth.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/replica.h"

namespace tailgate::simulation {

namespace {

constexpr std::size_t kLogLines = 300;
constexpr std::size_t kWireBytesMax = 48 * 1024;

struct Visitor {
  std::string name;
  FeedSpec spec;
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<Client> client;
  ResetPolicy on_reset = ResetPolicy::latest;
  bool is_bounded = false;  // its responses have a limit or an end
  bool is_done = false;     // it has had what it wanted
  std::unique_ptr<Connection> connection;
  Bounds bounds;
  Position resolved;
  std::string first_block;  // as far as it has come, while it is not complete
  bool has_first_block = false;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Plant plant, Coverage& coverage, bool with_log);
  ~Simulation() { visitors_.clear(); }
  Outcome run();

 private:
  void note(const std::string& line);
  void meet(Met met) { met_[static_cast<std::size_t>(met)] = true; }
  ReplicaOptions random_options();
  void learn(Replica& replica, bool is_all, const std::string& without = {});
  void add_visitor();
  FeedSpec random_spec();
  void change_kafka();
  void restart(std::size_t replica);
  void connect(Visitor& visitor);
  Position random_start(Visitor& visitor, Replica& replica);
  Position plant_into(Position passed, Feed& feed);
  void disconnect(Visitor& visitor, bool is_clean);
  void flush(std::size_t replica, std::size_t thread);
  void receive(Visitor& visitor, std::size_t bytes);
  void deliver(Visitor& visitor, std::string_view bytes);
  void step_loop();
  void pass_time(std::int64_t ms);
  void step();
  void settle();
  bool is_at_rest();
  bool has_failed();
  void count();
  std::string describe(const Visitor& visitor);

  Random random_;
  Plant plant_;
  Coverage& coverage_;
  bool with_log_;
  std::array<bool, static_cast<std::size_t>(Met::count_)> met_{};
  std::deque<std::string> log_;
  std::string failure_;
  ManualClock clock_;
  Truth truth_{random_};
  bool is_calm_;  // little but records: much is live
  bool may_truncate_;
  bool is_large_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
};

Simulation::Simulation(std::uint64_t seed, Plant plant, Coverage& coverage, bool with_log)
    : random_{seed},
      plant_{plant},
      coverage_{coverage},
      with_log_{with_log},
      is_calm_{random_.chance(0.4)},
      may_truncate_{!is_calm_ && random_.chance(0.3)},
      is_large_{random_.chance(0.4)} {
  for (std::size_t n = 1 + random_.below(2), i = 0; i < n; ++i) {
    truth_.topics()[i == 0 ? "a" : "b"].resize(1 + random_.below(3));
  }
  for (std::size_t n = random_.below(12); n > 0; --n)
    truth_.produce(truth_.any_partition(), clock_.wall_ms(), is_large_);
  for (std::size_t n = 1 + random_.below(3); n > 0; --n) {
    replicas_.push_back(std::make_unique<Replica>(truth_, clock_, random_, random_options()));
    learn(*replicas_.back(), true);
  }
  for (std::size_t n = 1 + random_.below(4); n > 0; --n) add_visitor();
}

void Simulation::note(const std::string& line) {
  if (!with_log_) return;
  log_.push_back(std::to_string(clock_.steady_ms() - 1'000'000) + " " + line);
  if (log_.size() > kLogLines) log_.pop_front();
}

ReplicaOptions Simulation::random_options() {
  ReplicaOptions options;
  options.io_threads = 1 + random_.below(2);
  options.history_consumers = 1 + random_.below(2);
  options.feed.feed_bytes = random_.chance(0.6) ? 512 + random_.below(8'000) : 1 << 20;
  options.feed.feeds_bytes = random_.chance(0.2) ? 2'000 + random_.below(8'000) : 16 << 20;
  options.feed.idle_ms = random_.between(100, 30'000);
  options.tail.record_bytes = random_.chance(0.6) ? 4'096 + random_.below(16'000) : 1 << 20;
  options.tail.kept_ms = random_.chance(0.3) ? random_.between(100, 5'000) : 60'000;
  options.tail.linger_ms = random_.between(500, 60'000);
  options.history.history_bytes = random_.chance(0.5) ? 1'000 + random_.below(10'000) : 1 << 20;
  options.history.kept_ms = random_.between(200, 60'000);
  options.history.chunk_bytes_first = 128 + random_.below(2'000);
  options.history.chunk_bytes_max = options.history.chunk_bytes_first * 4;
  options.history.page_bytes_asked = random_.below(2'000);
  options.history.ahead_bytes_max = random_.below(16'000);
  return options;
}

// Metadata are read: some replicas hear of new partitions later than others.
void Simulation::learn(Replica& replica, bool is_all, const std::string& without) {
  std::map<std::string, std::int32_t> partitions;
  for (const auto& [name, logs] : truth_.topics()) {
    if (name == without) continue;
    const auto now = static_cast<std::int32_t>(logs.size());
    const auto known = replica.catalog().topics()->by_name.find(name);
    const std::int32_t before = known == replica.catalog().topics()->by_name.end() ? now : known->second.partitions;
    partitions[name] = is_all ? now : static_cast<std::int32_t>(random_.between(before, now));
  }
  replica.catalog().learn(partitions);
}

FeedSpec Simulation::random_spec() {
  FeedSpec spec;
  for (const auto& [name, logs] : truth_.topics()) spec.topics.push_back(name);
  if (spec.topics.size() > 1 && random_.chance(0.6)) {
    spec.topics = {random_.pick(spec.topics)};
  }
  if (spec.topics.size() == 1 && random_.chance(0.2)) {
    spec.partition = static_cast<std::int32_t>(random_.below(truth_.topics().at(spec.topics[0]).size()));
  }
  if (random_.chance(0.25)) {
    for (const char* key : kKeys) {
      if (random_.chance(0.5)) spec.keys.emplace_back(key);
    }
  }
  constexpr EventFormat kFormats[] = {EventFormat::sse_value, EventFormat::sse_value, EventFormat::sse_envelope,
                                      EventFormat::ndjson, EventFormat::json};
  spec.format = kFormats[random_.below(std::size(kFormats))];
  return spec;
}

void Simulation::add_visitor() {
  auto visitor = std::make_unique<Visitor>();
  visitor->name = "v" + std::to_string(visitors_.size());
  visitor->spec = random_spec();
  visitor->oracle = std::make_unique<Oracle>(truth_, visitor->spec, clock_);
  if (plant_ == Plant::lost_first_id) visitor->oracle->do_not_ask_for_first_block();
  ClientKind kind = random_.chance(0.7) ? ClientKind::event_source : ClientKind::id_line;
  if (visitor->spec.format == EventFormat::ndjson) kind = ClientKind::ndjson;
  if (visitor->spec.format == EventFormat::json) kind = ClientKind::long_poll;
  Visitor* const self = visitor.get();
  visitor->client = std::make_unique<Client>(kind, [this, self](const Block& block) {
    self->oracle->on_block(block);
    if (!with_log_) return;
    note("  " + self->name + " got " + block.event + " " + block.data.substr(0, block.event.empty() ? 24 : 80) +
         " id " + block.id + " " + self->oracle->failure());
  });
  visitor->is_bounded = random_.chance(0.2);
  visitor->on_reset = random_.chance(0.5) ? ResetPolicy::latest : ResetPolicy::earliest;
  visitors_.push_back(std::move(visitor));
}

// ---- what happens in Kafka ----

void Simulation::change_kafka() {
  const TopicPartition name = truth_.any_partition();
  TruthLog& log = truth_.log(name);
  const std::string text = name.topic + "/" + std::to_string(name.partition);
  const std::size_t what = is_calm_ ? random_.below(82) : random_.below(100);
  if (what < 70) {
    truth_.produce(name, clock_.wall_ms(), is_large_);
  } else if (what < 77) {
    if (log.is_open()) {
      log.close(random_.chance(0.5));
    } else {
      log.open();
    }
  } else if (what < 80) {
    // An aborted transaction, larger than a fetch.
    if (!log.is_open()) log.open();
    for (std::size_t n = 5 + random_.below(60); n > 0; --n) log.append_hole();
    log.close(false);
  } else if (what < 86) {
    if (log.readable() > log.start()) log.compact(random_.between(log.start(), log.readable() - 1));
  } else if (what < 92) {
    log.retain_from(random_.between(log.start(), log.readable()));
  } else if (what < 95) {
    auto& logs = truth_.topics().at(name.topic);
    if (logs.size() < 5) {
      logs.emplace_back();
      meet(Met::growth);
    }
  } else if (what < 98) {
    const Offset lag = log.end() - random_.between(0, std::min<Offset>(log.end(), 8));
    random_.pick(replicas_)->view().lag(name, lag, random_.between(100, 8'000));
  } else if (may_truncate_ && random_.chance(0.3)) {
    // Metadata without the topic, for a while; it may have been made anew.
    if (random_.chance(0.5)) log.truncate(0, clock_.steady_ms());
    learn(*random_.pick(replicas_), true, name.topic);
    note("gone for a replica: " + name.topic);
  } else if (may_truncate_) {
    log.truncate(random_.chance(0.3) ? 0 : random_.between(log.start(), log.end()), clock_.steady_ms());
    note("truncated " + text);
  }
  note("kafka " + text + " [" + std::to_string(log.start()) + ", " + std::to_string(log.readable()) + ", " +
       std::to_string(log.end()) + ")");
}

void Simulation::restart(std::size_t replica) {
  meet(Met::restart);
  note("restart of replica " + std::to_string(replica));
  for (const auto& visitor : visitors_) {
    if (visitor->connection && visitor->connection->replica() == replica) disconnect(*visitor, false);
  }
  count();
  replicas_[replica].reset();
  replicas_[replica] = std::make_unique<Replica>(truth_, clock_, random_, random_options());
  learn(*replicas_[replica], true);
}

// ---- clients ----

Position Simulation::random_start(Visitor& visitor, Replica& replica) {
  const std::size_t how = random_.below(100);
  const bool is_forged = how >= 98;
  Position position;
  for (const std::string& topic : visitor.spec.topics) {
    const std::int32_t count = replica.catalog().topics()->by_name.at(topic).partitions;
    for (std::int32_t partition = 0; partition < count; ++partition) {
      if (visitor.spec.partition && partition != *visitor.spec.partition) continue;
      const TopicPartition name{topic, partition};
      const Offset readable = replica.view().readable(name);
      Offset passed = readable - 1;  // latest
      if (how < 20) passed = kNothingPassed;
      if (how >= 20 && how < 40) passed = random_.between(kNothingPassed, readable - 1);
      if (is_forged && random_.chance(0.5)) {
        passed = truth_.log(name).end() + random_.between(100, 1'000'000'000'000);
        visitor.oracle->on_forged(topic, partition, passed);
        meet(Met::forged);
      }
      position[topic][partition] = passed;
    }
  }
  return position;
}

Position Simulation::plant_into(Position passed, Feed& feed) {
  if (plant_ == Plant::off_by_one && random_.chance(0.3)) {
    TopicPosition& parts = passed.begin()->second;
    auto it = parts.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(random_.below(parts.size())));
    ++it->second;
  }
  if (plant_ == Plant::merge_order) {
    const auto& head = feed.log().head_position();
    for (std::size_t slot = 0; slot < head.size(); ++slot) {
      const Feed::Partition& partition = feed.partitions()[slot];
      if (head[slot] != kNotStarted) passed[partition.topic][partition.source.partition] = head[slot];
    }
  }
  return passed;
}

void Simulation::connect(Visitor& visitor) {
  const std::size_t r = random_.below(replicas_.size());
  Replica& replica = *replicas_[r];
  for (const std::string& topic : visitor.spec.topics) {
    const auto known = replica.catalog().topics()->by_name.find(topic);
    if (known == replica.catalog().topics()->by_name.end()) return;
    if (visitor.spec.partition && *visitor.spec.partition >= known->second.partitions) return;
  }
  const std::size_t t = random_.below(replica.threads().size());
  IoThread& thread = *replica.threads()[t];
  Feed& feed = thread.feeds.get(visitor.spec, *replica.catalog().topics());

  StreamBodyOptions options;
  options.heartbeat_ms = random_.between(500, 15'000);
  options.subscriber.on_reset = visitor.on_reset;
  Position passed;
  const bool is_resumed = !visitor.client->id().empty();
  if (is_resumed) {
    const auto id = parse_id(visitor.client->id(), IdScope{visitor.spec.topics, visitor.spec.partition});
    if (!id) {
      failure_ = "an id that does not parse: " + visitor.client->id();
      return;
    }
    passed = id->position;
    if (std::any_of(passed.begin(), passed.end(), [&](const auto& topic) {
          return topic.second.rbegin()->first >= replica.catalog().topics()->by_name.at(topic.first).partitions;
        })) {
      meet(Met::unknown_growth);
    }
    passed = plant_into(std::move(passed), feed);
  } else {
    passed = random_start(visitor, replica);
  }
  visitor.bounds = {};
  PollOptions poll;
  if (!visitor.client->is_stream()) {
    poll.wait_ms = random_.between(0, 25'000);
    poll.limit = random_.chance(0.5) ? 1 + random_.below(12) : 500;
    poll.bytes_max = random_.chance(0.5) ? 1 + random_.below(2'000) : 1 << 20;
    visitor.bounds.limit = poll.limit;
  } else if (visitor.is_bounded && random_.chance(0.5)) {
    options.limit = visitor.bounds.limit = 1 + random_.below(12);
  }
  if (visitor.is_bounded && !options.limit) {
    Position until;
    for (const std::string& topic : visitor.spec.topics) {
      const std::int32_t count = replica.catalog().topics()->by_name.at(topic).partitions;
      for (std::int32_t partition = 0; partition < count; ++partition) {
        if (visitor.spec.partition && partition != *visitor.spec.partition) continue;
        until[topic][partition] = replica.view().readable({topic, partition}) - 1;
      }
    }
    options.subscriber.until = visitor.bounds.until = until;
  }
  for (std::size_t slot = 0; slot < feed.log().head_position().size(); ++slot) {
    const Feed::Partition& partition = feed.partitions()[slot];
    const Offset head = feed.log().head_position()[slot];
    const auto topic = passed.find(partition.topic);
    if (head == kNotStarted || topic == passed.end()) continue;
    const auto at = topic->second.find(partition.source.partition);
    const Offset was = at == topic->second.end() ? kNothingPassed : at->second;
    if (was != head) meet(was > head ? Met::ahead : Met::behind);
  }
  note(visitor.name + " connects to " + std::to_string(r) + "." + std::to_string(t) + " with '" + visitor.client->id() +
       "' from " + format_id(passed, IdForm::topics));
  visitor.connection = std::make_unique<Connection>(r, t);
  if (visitor.client->is_stream()) {
    // Compressed bytes are cut anywhere, behind id lines too.
    const bool is_coded = visitor.client->kind() != ClientKind::id_line && random_.chance(0.3);
    const auto coding = is_coded ? std::optional{static_cast<Coding>(random_.below(kCodings))} : std::nullopt;
    visitor.connection->open(feed, passed, options, coding);
  } else {
    poll.subscriber = options.subscriber;
    visitor.connection->open_poll(feed, passed, poll);
  }
  visitor.resolved = std::move(passed);
  visitor.first_block.clear();
  visitor.has_first_block = false;
  visitor.client->connected(visitor.resolved);
  visitor.oracle->on_response(visitor.bounds);
}

void Simulation::disconnect(Visitor& visitor, bool is_clean) {
  Connection& connection = *visitor.connection;
  receive(visitor, is_clean ? connection.on_wire() : random_.below(connection.on_wire() + 1));
  // One who takes the id when its line is parsed must not be cut right behind it.
  while (visitor.client->kind() == ClientKind::id_line && visitor.client->is_behind_id_line() &&
         connection.on_wire() > 0) {
    receive(visitor, 1);
  }
  if (visitor.client->is_inside_block()) meet(Met::cut_inside);
  if (connection.was_cut()) meet(Met::cut_event);
  if (!visitor.client->is_stream() && connection.is_over()) {
    meet(connection.on_wire() == 0 ? Met::poll : Met::poll_again);
  }
  note(visitor.name + " disconnected, id " + visitor.client->id());
  visitor.connection.reset();
}

// One handler of an io thread: it pulls for its connections, and then writes.
void Simulation::flush(std::size_t replica, std::size_t thread) {
  std::vector<Visitor*> here;
  for (const auto& visitor : visitors_) {
    if (visitor->connection && visitor->connection->replica() == replica && visitor->connection->thread() == thread) {
      here.push_back(visitor.get());
    }
  }
  if (here.empty()) return;
  for (std::size_t turns = 1 + random_.below(here.size() * 3); turns > 0; --turns) {
    Visitor& visitor = *random_.pick(here);
    Connection& connection = *visitor.connection;
    if (connection.on_wire() > kWireBytesMax) continue;
    const std::size_t budget = random_.chance(0.3) ? 1 + random_.below(64) : 1 + random_.below(16 * 1024);
    if (!connection.pull(budget)) continue;
    if (connection.sink().last_was_ref()) meet(connection.is_coded() ? Met::live_coded : Met::live);
    if (connection.is_too_much()) failure_ = "prepare did not keep to its budget";
  }
  for (Visitor* visitor : here) {
    visitor->connection->end_flush();
    if (visitor->connection->is_inside_line()) meet(Met::split_event);
  }
}

void Simulation::receive(Visitor& visitor, std::size_t bytes) {
  std::string_view got = visitor.connection->take(bytes);
  if (visitor.connection->is_code_broken()) failure_ = visitor.name + " got compressed bytes that do not decode";
  if (!visitor.has_first_block) {
    // What the server says first is watched on the wire: whoever was sent it is owed what follows.
    const bool is_sse = visitor.spec.format != EventFormat::ndjson && visitor.client->is_stream();
    const std::string_view end = is_sse ? "\n\n" : "\n";
    const std::size_t before = visitor.first_block.size();
    visitor.first_block += got;
    const auto at = visitor.first_block.find(end);
    const bool is_complete = at != std::string::npos;
    const std::size_t in_first = is_complete ? at + end.size() - before : got.size();
    if (plant_ != Plant::lost_first_id) {
      if (is_complete) visitor.oracle->on_started(visitor.resolved);
      visitor.client->receive(got.substr(0, in_first));
    } else if (is_complete) {
      visitor.oracle->on_started(visitor.resolved);
    }
    got.remove_prefix(in_first);
    visitor.has_first_block = is_complete;
    if (is_complete) visitor.first_block.clear();
  }
  deliver(visitor, got);
  visitor.connection->forget_taken();
  if (!visitor.oracle->failure().empty() && failure_.empty()) failure_ = visitor.oracle->failure();
}

void Simulation::deliver(Visitor& visitor, std::string_view bytes) {
  if (plant_ != Plant::shared_gap || visitor.spec.format == EventFormat::ndjson || !visitor.client->is_stream())
    return visitor.client->receive(bytes);
  // Every `gap` block becomes a comment.
  constexpr std::string_view kGap = "event: gap\n";
  const auto at = bytes.find(kGap);
  const auto end = at == std::string_view::npos ? at : bytes.find("\n\n", at);
  if (end == std::string_view::npos) return visitor.client->receive(bytes);
  visitor.client->receive(bytes.substr(0, at));
  visitor.client->receive(bytes.substr(end + 2));
}

// ---- the driver ----

void Simulation::step_loop() {
  Replica& replica = *random_.pick(replicas_);
  IoThread& thread = *random_.pick(replica.threads());
  for (std::size_t n = 1 + random_.below(4); n > 0 && thread.loop.run_one(); --n) {
  }
}

void Simulation::pass_time(std::int64_t ms) {
  clock_.advance(ms);
  for (const auto& replica : replicas_) replica->run_timers();
}

void Simulation::step() {
  const std::size_t what = random_.below(is_calm_ ? 95 : 100);
  if (what < 16) return change_kafka();
  if (what < 46) {
    const std::size_t most = is_calm_ ? 40 : 8;
    for (std::size_t n = 1 + random_.below(most); n > 0; --n) random_.pick(replicas_)->step_kafka();
    return;
  }
  if (what < 58) return step_loop();
  if (what < 75) {
    const std::size_t replica = random_.below(replicas_.size());
    return flush(replica, random_.below(replicas_[replica]->threads().size()));
  }
  if (what < 77) return learn(*random_.pick(replicas_), random_.chance(0.5));
  if (what < 81) return pass_time(random_.chance(0.1) ? random_.between(1'000, 20'000) : random_.between(1, 600));
  if (what == 81 && random_.chance(0.1)) return restart(random_.below(replicas_.size()));
  Visitor& visitor = *random_.pick(visitors_);
  if (visitor.is_done) return;
  if (!visitor.connection) return connect(visitor);
  Connection& connection = *visitor.connection;
  if (what < 95) {
    if (connection.on_wire() > 0) receive(visitor, 1 + random_.below(random_.chance(0.5) ? 100 : connection.on_wire()));
    if (!connection.is_over() || connection.on_wire() > 0) return;
    const bool was_cut = connection.was_cut();
    disconnect(visitor, true);
    if (was_cut) return;
    const bool has_ended = visitor.oracle->has_ended();
    if (!visitor.client->is_stream() && !has_ended) return;
    meet(visitor.oracle->fault().empty() ? visitor.bounds.limit ? Met::limit : Met::until : Met::fault);
    if (!has_ended) failure_ = "a body ended without saying so";
    visitor.is_bounded = visitor.is_bounded && random_.chance(0.5);
    return;
  }
  if (what < 98) disconnect(visitor, random_.chance(0.2));
}

bool Simulation::has_failed() { return !failure_.empty(); }

bool Simulation::is_at_rest() {
  for (const auto& visitor : visitors_) {
    if (!visitor->connection) return false;
    Connection& connection = *visitor->connection;
    if (connection.on_wire() > 0 || !connection.is_live() || !visitor->oracle->unrest().empty()) return false;
  }
  return true;
}

// Everything becomes known everywhere, and everyone catches up.
void Simulation::settle() {
  note("settle");
  for (auto& [topic, logs] : truth_.topics()) {
    for (TruthLog& log : logs) {
      if (log.is_open()) log.close(random_.chance(0.5));
    }
  }
  for (const auto& replica : replicas_) {
    replica->view().heal();
    learn(*replica, true);
  }
  for (const auto& visitor : visitors_) {
    visitor->is_bounded = false;
    // A limit may never be reached, nor an end in a log that was truncated; another `until` must be.
    const bool is_open =
        (visitor->bounds.limit && visitor->client->is_stream()) || (visitor->bounds.until && may_truncate_);
    if (visitor->connection && is_open) disconnect(*visitor, true);
  }
  bool was_at_rest = false;
  for (int second = 0; second < 100 && !has_failed(); ++second) {
    for (int round = 0; round < 200; ++round) {
      bool is_more = false;
      for (std::size_t r = 0; r < replicas_.size(); ++r) {
        replicas_[r]->settle_kafka();
        for (std::size_t t = 0; t < replicas_[r]->threads().size(); ++t) {
          SimLoop& loop = replicas_[r]->threads()[t]->loop;
          while (loop.run_one()) is_more = true;
          flush(r, t);
        }
      }
      for (const auto& visitor : visitors_) {
        if (!visitor->connection) {
          connect(*visitor);
          is_more = true;
          continue;
        }
        Connection& connection = *visitor->connection;
        is_more = is_more || connection.on_wire() > 0 || (connection.is_woken() && !connection.is_over());
        receive(*visitor, connection.on_wire());
        if (connection.is_over()) disconnect(*visitor, true);
      }
      if (!is_more || has_failed()) break;
    }
    if (was_at_rest && is_at_rest()) break;
    was_at_rest = is_at_rest();
    pass_time(1'000);
  }
  for (const auto& visitor : visitors_) {
    if (has_failed()) return;
    failure_ = visitor->oracle->unrest();
    if (has_failed()) note("that was " + visitor->name + ", " + describe(*visitor));
    if (!has_failed() && !visitor->connection) failure_ = "not connected in the end";
    if (!has_failed() && !visitor->connection->is_live()) {
      failure_ = "not live in the end: " + visitor->name + ", " + describe(*visitor);
    }
  }
  pass_time(1'000);  // what was let go of since history's last tick goes with the next
  for (const auto& replica : replicas_) {
    if (!has_failed() && !replica->is_history_within_bounds()) failure_ = "pages of history are held by nobody";
  }
}

std::string Simulation::describe(const Visitor& visitor) {
  if (!visitor.connection) return "not connected";
  IoThread& thread = *replicas_[visitor.connection->replica()]->threads()[visitor.connection->thread()];
  Feed& feed = thread.feeds.get(visitor.spec, *replicas_[visitor.connection->replica()]->catalog().topics());
  std::string text = "id " + visitor.client->id() + ", the feed has";
  for (std::size_t slot = 0; slot < feed.partitions().size(); ++slot) {
    const Feed::Partition& partition = feed.partitions()[slot];
    const RecordLog& log = partition.follow->log();
    text += " " + partition.topic + "/" + std::to_string(partition.source.partition) + ": passed " +
            std::to_string(partition.passed) + " of epoch " + std::to_string(log.epoch()) + " [" +
            std::to_string(log.first()) + ", " + std::to_string(log.next()) + (log.at_end() ? ") at end;" : ");");
  }
  const HistoryCounts history = replicas_[visitor.connection->replica()]->history().counts();
  text += " history runs reading " + std::to_string(history.runs_reading) + " waiting " +
          std::to_string(history.runs_waiting) + " misses " + std::to_string(history.misses) + " pages " +
          std::to_string(history.pages) + " starts " + std::to_string(history.starts);
  return text;
}

// Adds what the replicas have counted.
void Simulation::count() {
  for (const auto& replica : replicas_) {
    if (!replica) continue;
    if (replica->tails().counts().continuity_lost > 0) meet(Met::lost_tail);
    if (replica->history().counts().pages > 0) meet(Met::history);
    for (const auto& thread : replica->threads()) {
      if (thread->counters.evictions.get() > 0) meet(Met::evicted);
      if (thread->counters.gaps.get() > 0) meet(Met::gap);
      if (thread->counters.resets.get() > 0) meet(Met::reset);
      if (thread->counters.cuts.get() > 0) meet(Met::cut_event);
      if (thread->counters.resumed.get() > 0) meet(Met::resumed_event);
    }
  }
}

Outcome Simulation::run() {
  for (std::int64_t steps = random_.between(50, 700); steps > 0 && !has_failed(); --steps) step();
  if (!has_failed()) settle();
  count();
  for (const auto& visitor : visitors_) {
    if (visitor->client->comments() > 0) meet(Met::heartbeat);
  }
  for (std::size_t i = 0; i < met_.size(); ++i) coverage_[i] += met_[i] ? 1 : 0;
  Outcome outcome{failure_, {}};
  for (const std::string& line : log_) outcome.log += line + "\n";
  return outcome;
}

}  // namespace

Outcome run_seed(std::uint64_t seed, Plant plant, Coverage& coverage, bool with_log) {
  Simulation simulation{seed, plant, coverage, with_log};
  return simulation.run();
}

}  // namespace tailgate::simulation
