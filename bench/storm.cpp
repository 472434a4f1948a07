#include "bench/storm.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <queue>
#include <random>
#include <unordered_map>
#include <vector>

#include "bench/histogram.h"

namespace tailgate::bench {
namespace {

using Micros = std::int64_t;  // since the disaster began; negative before it

constexpr Micros kSecond = 1'000'000;
constexpr Micros kNever = std::numeric_limits<Micros>::max();
constexpr int kNobody = -1;

// Linux sends a SYN again after 1, 2, 4, … seconds, six times.
constexpr int kSynTries = 6;

// RedisNode: deadline of a call, calls under way on a link, the pause before it connects again.
constexpr Micros kRedisDeadline = 50'000;
constexpr std::size_t kRedisQueueMax = 1'000;
constexpr Micros kRedisPauseMin = 50'000;
constexpr Micros kRedisPauseMax = 2 * kSecond;
constexpr double kSlotRenewalS = 5;
// EVALSHA and what the script calls (limits/limit_scripts.cpp).
constexpr double kTokenCommands = 5;
constexpr double kSlotCommands = 7;
constexpr double kLeaveCommands = 3;
constexpr double kRenewCommands = 6;

// While connections wait, live delivery and they have their turns one after the other.
constexpr double kLiveShareMax = 0.5;

Micros micros(double us) { return static_cast<Micros>(std::llround(us)); }

// How much happens in each second.
class PerSecond {
 public:
  void add(Micros at, double amount) {
    const auto second = static_cast<std::size_t>(std::max<Micros>(at, 0) / kSecond);
    if (second >= seconds_.size()) seconds_.resize(second + 1);
    seconds_[second] += amount;
  }
  double most() const { return seconds_.empty() ? 0 : *std::max_element(seconds_.begin(), seconds_.end()); }

 private:
  std::vector<double> seconds_;
};

// ---- Redis -----------------------------------------------------------------------------------------------

// One io thread's link, which holds to the servers' order: what comes behind a call that is late is late too.
struct RedisLink {
  Micros fails_at = kNever;  // when its deadline passes: all that waits then fails with it
  Micros up_at = 0;
  Micros pause = kRedisPauseMin;
  std::deque<Micros> waiting;  // when their answers are due
};

class Redis {
 public:
  Redis(const StormOptions& options, StormResult& result)
      : script_us_{options.script_us},
        round_trip_{micros(options.redis_round_trip_ms * 1'000)},
        free_at_(static_cast<std::size_t>(options.redis), 0),
        result_{result} {}

  bool is_used() const { return !free_at_.empty(); }

  struct Answer {
    Micros at;
    bool is_of_redis;
  };
  // `name` decides on the server; so many streams hold slots.
  Answer ask(RedisLink& link, std::uint64_t name, Micros now, double commands, int streams) {
    if (now >= link.fails_at) {
      link.up_at = link.fails_at + link.pause;
      link.pause = std::min(2 * link.pause, kRedisPauseMax);
      link.fails_at = kNever;
      link.waiting.clear();
    }
    while (!link.waiting.empty() && link.waiting.front() <= now) link.waiting.pop_front();
    if (now < link.up_at || link.waiting.size() >= kRedisQueueMax) return {now, false};
    // Renewals of the slots that are held take their part of each server all the time.
    const double renewals = streams / kSlotRenewalS / static_cast<double>(free_at_.size()) * script_us_ / 1e6;
    Micros& free_at = free_at_[name % free_at_.size()];
    free_at = std::max(free_at, now) + micros(script_us_ / std::max(1 - renewals, 0.01));
    ++result_.scripts;
    scripts_.add(now, 1);
    commands_.add(now, commands);
    const Micros answer = free_at + round_trip_;
    if (link.fails_at != kNever || answer - now > kRedisDeadline) {
      link.fails_at = std::min(link.fails_at, now + kRedisDeadline);
      return {link.fails_at, false};
    }
    link.pause = kRedisPauseMin;
    link.waiting.push_back(answer);
    return {answer, true};
  }

  void report(int streams) {
    result_.scripts_peak = scripts_.most() + (is_used() ? streams / kSlotRenewalS : 0);
    result_.commands_peak = commands_.most() + (is_used() ? streams / kSlotRenewalS * kRenewCommands : 0);
  }

 private:
  double script_us_;
  Micros round_trip_;
  std::vector<Micros> free_at_;
  StormResult& result_;
  PerSecond scripts_;
  PerSecond commands_;
};

// ---- a replica -------------------------------------------------------------------------------------------

struct Thread {
  Micros free_at = 0;
  int connections = 0;
  int live = 0;
  RedisLink redis;
};

struct Replica {
  bool is_up = true;
  bool is_chosen = true;        // by the balancer
  bool is_tailing = true;       // it has had a subscriber
  Micros tails_from = -kNever;  // of what came since it has all in memory
  Micros accepting_until = 0;
  std::deque<Micros> accept_queue;  // when each of those will have been accepted
  int connections = 0;
  std::vector<Thread> threads;
  std::unordered_map<std::int64_t, Micros> pages;  // when each is there
  PerSecond begun;
};

// ---- the storm -------------------------------------------------------------------------------------------

enum class Kind : std::uint8_t {
  strike,   // of the disaster, on a replica
  leave,    // a drained replica tells a client
  stop,     // a drained replica has ended
  revive,   // a replica
  come,     // a client connects
  knock,    // its SYN is at a replica
  request,  // it has been accepted, and its request is there
  late,     // its time is over before its io thread had one for it
  served,   // its io thread has read it
  tokens,   // limit_requests has been answered
  granted,  // limit_streams has
  read,     // what it missed is in memory
  began,    // it has its stream, and all that it had missed
};

struct Event {
  Micros at;
  std::uint64_t order;  // of those at the same time
  Kind kind;
  int who;             // client or replica
  std::uint32_t life;  // of the client's connection: those of an earlier one are void
  bool operator>(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
};

struct Client {
  enum class State : std::uint8_t { away, connecting, live } state = State::away;
  int replica = kNobody;
  int thread = kNobody;
  std::uint32_t life = 0;
  int syn_tries = 0;
  Micros round_trip = 0;
  Micros retry = 0;     // what it was told last
  Micros cut_at = 0;    // when it lost its stream
  Micros position = 0;  // it has all that came before
};

class Storm {
 public:
  explicit Storm(const StormOptions& options)
      : options_{options},
        random_{options.seed},
        replicas_(static_cast<std::size_t>(options.replicas)),
        clients_(static_cast<std::size_t>(options.clients)),
        redis_{options, result_} {
    for (Replica& replica : replicas_) replica.threads.resize(static_cast<std::size_t>(options.threads));
    for (int i = 0; i < options.clients; ++i) {
      Client& client = clients_[static_cast<std::size_t>(i)];
      client.round_trip = between(options.round_trip);
      client.retry = between(options.retry);
      client.replica = i % options.replicas;  // balanced
      Replica& replica = replica_of(client);
      ++replica.connections;
      client.thread = replica.connections % options.threads;
      begin_live(client);
      ++thread_of(client).connections;
    }
  }

  StormResult run() {
    plan();
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
    }
    report();
    return result_;
  }

 private:
  Micros between(const Between& range) {
    const double share = static_cast<double>(random_() >> 11) / 9007199254740992.0;  // [0, 1)
    return micros((range.from_ms + (range.to_ms - range.from_ms) * share) * 1'000);
  }
  Replica& replica_of(const Client& client) { return replicas_[static_cast<std::size_t>(client.replica)]; }
  Thread& thread_of(const Client& client) {
    return replica_of(client).threads[static_cast<std::size_t>(client.thread)];
  }
  void add(Micros at, Kind kind, int who) {
    const bool is_clients = kind == Kind::leave || kind >= Kind::come;
    const std::uint32_t life = is_clients ? clients_[static_cast<std::size_t>(who)].life : 0;
    events_.push({at, orders_++, kind, who, life});
  }

  // ---- the disaster ----
  void plan() {
    const Micros back = micros(options_.back_s * kSecond);
    switch (options_.disaster) {
      case Disaster::killed:
        for (int i = 0; i < options_.lost; ++i) {
          add(0, Kind::strike, i);
          if (back > 0) add(back, Kind::revive, i);
        }
        break;
      case Disaster::balancer:
        closed_until_ = back;
        for (int i = 0; i < options_.clients; ++i) cut(i);
        break;
      case Disaster::rolling: {
        const Micros drain = micros((options_.drain_delay_s + options_.drain_s) * kSecond);
        for (int i = 0; i < options_.replicas; ++i) {
          const Micros begin = i * (drain + back);
          add(begin, Kind::strike, i);
          add(begin + drain, Kind::stop, i);
          add(begin + drain + back, Kind::revive, i);
        }
        break;
      }
    }
  }
  void strike(int index) {
    Replica& replica = replicas_[static_cast<std::size_t>(index)];
    replica.is_chosen = false;
    if (options_.disaster == Disaster::killed) return stop(index);
    // One by one over three quarters of `drain`, in the order in which they came.
    const double spread = 0.75 * options_.drain_s * kSecond;
    const Micros begin = now_ + micros(options_.drain_delay_s * kSecond);
    int told = 0;
    for (int i = 0; i < options_.clients; ++i) {
      const Client& client = clients_[static_cast<std::size_t>(i)];
      if (client.replica != index || client.state != Client::State::live) continue;
      add(begin + micros(spread * told++ / std::max(replica.connections, 1)), Kind::leave, i);
    }
  }
  void stop(int index) {
    Replica& replica = replicas_[static_cast<std::size_t>(index)];
    replica.is_up = false;
    replica.is_chosen = false;
    for (int i = 0; i < options_.clients; ++i) {
      if (clients_[static_cast<std::size_t>(i)].replica == index) cut(i);
    }
    assert(replica.connections == 0);
  }
  void revive(int index) {
    Replica& replica = replicas_[static_cast<std::size_t>(index)];
    const int threads = static_cast<int>(replica.threads.size());
    PerSecond begun = std::move(replica.begun);
    replica = Replica{};
    replica.begun = std::move(begun);
    replica.threads.resize(static_cast<std::size_t>(threads));
    replica.is_tailing = false;
  }

  // ---- a client ----
  void begin_live(Client& client) {
    client.state = Client::State::live;
    ++thread_of(client).live;
    ++live_;
  }
  // The connection is gone; the client notices half a round trip later, and waits as it was told.
  void cut(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    const bool was_live = client.state == Client::State::live;
    if (was_live) {
      client.cut_at = now_;
      client.position = now_;
      ++result_.cut;
    } else if (client.state == Client::State::connecting) {
      ++result_.refused;
    }
    go_away(client, was_live && replica_of(client).is_up);
    come_later(index);
  }
  void go_away(Client& client, bool tells_redis) {
    if (client.state == Client::State::live) {
      --thread_of(client).live;
      --live_;
      if (tells_redis && redis_.is_used()) {
        const bool is_told =
            redis_.ask(thread_of(client).redis, id_of(client), now_, kLeaveCommands, live_).is_of_redis;
        result_.slots_left += is_told ? 0 : 1;
      }
    }
    if (client.thread != kNobody) --thread_of(client).connections;
    if (client.replica != kNobody) --replica_of(client).connections;
    client.replica = client.thread = kNobody;
    client.state = Client::State::away;
    ++client.life;
  }
  void come_later(int index) {
    const Client& client = clients_[static_cast<std::size_t>(index)];
    add(now_ + client.round_trip / 2 + client.retry, Kind::come, index);
  }
  std::uint64_t id_of(const Client& client) const { return static_cast<std::uint64_t>(&client - clients_.data()); }

  int choose() {
    int chosen = kNobody;
    if (options_.choice == Choice::random) {
      const int start = static_cast<int>(random_() % replicas_.size());
      for (int i = 0; i < options_.replicas && chosen == kNobody; ++i) {
        const int at = (start + i) % options_.replicas;
        if (replicas_[static_cast<std::size_t>(at)].is_chosen) chosen = at;
      }
      return chosen;
    }
    for (int i = 0; i < options_.replicas; ++i) {
      const Replica& replica = replicas_[static_cast<std::size_t>(i)];
      const bool is_better =
          chosen == kNobody || replica.connections < replicas_[static_cast<std::size_t>(chosen)].connections;
      if (replica.is_chosen && is_better) chosen = i;
    }
    return chosen;
  }

  void come(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    assert(client.state == Client::State::away);
    client.state = Client::State::connecting;
    ++result_.tries;
    begun_.add(now_, 1);
    const int replica = now_ < closed_until_ ? kNobody : choose();
    if (replica == kNobody) return cut(index);
    client.replica = replica;
    client.syn_tries = 0;
    ++replica_of(client).connections;
    replica_of(client).begun.add(now_, 1);
    add(now_ + client.round_trip / 2, Kind::knock, index);
  }

  void knock(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    Replica& replica = replica_of(client);
    auto& queue = replica.accept_queue;
    while (!queue.empty() && queue.front() <= now_) queue.pop_front();
    if (queue.size() >= static_cast<std::size_t>(options_.backlog)) {
      ++result_.dropped;
      if (client.syn_tries == kSynTries) return give_up(index, result_.unheard);
      return add(now_ + (kSecond << client.syn_tries++), Kind::knock, index);
    }
    replica.accepting_until = std::max(replica.accepting_until, now_) + micros(options_.accept_us);
    queue.push_back(replica.accepting_until);
    // The client's end of the connection is there a round trip after its SYN, and with TLS its request one more.
    const int round_trips = options_.handshake_us > 0 ? 2 : 1;
    add(std::max(replica.accepting_until, now_ + client.round_trip * round_trips), Kind::request, index);
  }

  void give_up(int index, std::uint64_t& counter) {
    ++counter;
    go_away(clients_[static_cast<std::size_t>(index)], false);
    come_later(index);
  }

  void request(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    const auto& threads = replica_of(client).threads;
    const auto least = std::min_element(threads.begin(), threads.end(),
                                        [](const Thread& a, const Thread& b) { return a.connections < b.connections; });
    client.thread = static_cast<int>(least - threads.begin());
    Thread& thread = thread_of(client);
    ++thread.connections;
    const Micros wait = std::max<Micros>(thread.free_at - now_, 0);
    const Micros patience = micros(options_.patience_s * kSecond);
    if (wait > patience) return add(now_ + patience, Kind::late, index);
    result_.thread_wait_s = std::max(result_.thread_wait_s, static_cast<double>(wait) / kSecond);
    add(work(thread, options_.connect_us + options_.handshake_us), Kind::served, index);
  }

  // When the thread has done so much more.
  Micros work(Thread& thread, double us) {
    const double live = thread.live * options_.events_per_second * options_.event_us / 1e6;
    result_.live_share = std::max(result_.live_share, live);
    result_.connect_cpu_s += us / 1e6;
    thread.free_at = std::max(thread.free_at, now_) + micros(us / (1 - std::min(live, kLiveShareMax)));
    return thread.free_at;
  }

  void ask_redis(int index, double commands, Kind then) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    if (!redis_.is_used()) return add(now_, then, index);
    const Redis::Answer answer = redis_.ask(thread_of(client).redis, id_of(client), now_, commands, live_);
    result_.without_redis += answer.is_of_redis ? 0 : 1;
    add(answer.at, then, index);
  }

  void granted(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    Replica& replica = replica_of(client);
    if (!replica.is_tailing) {
      replica.is_tailing = true;
      replica.tails_from = now_;
    }
    Micros there = now_;
    if (client.position < replica.tails_from && options_.events_per_second > 0) {
      const double page_s =
          options_.page_bytes / options_.record_bytes / options_.events_per_second * options_.partitions;
      const auto page_us = static_cast<double>(kSecond) * page_s;
      const auto first = static_cast<std::int64_t>(std::floor(static_cast<double>(client.position) / page_us));
      const auto last = static_cast<std::int64_t>(std::floor(static_cast<double>(replica.tails_from) / page_us));
      for (std::int64_t page = first; page <= last; ++page) {
        const auto [found, is_new] = replica.pages.try_emplace(page, now_ + micros(options_.page_ms * 1'000));
        if (is_new) {
          result_.kafka_pages += static_cast<std::uint64_t>(options_.partitions);
          pages_.add(now_, options_.partitions);
        }
        there = std::max(there, found->second);
      }
    }
    add(there, Kind::read, index);
  }

  void read(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    const double missed = static_cast<double>(now_ - client.position) / kSecond * options_.events_per_second;
    // Who has been served has its turn in the loop's next batch, and those who still wait have theirs later.
    Thread& thread = thread_of(client);
    const Micros before = std::max(thread.free_at, now_);
    const Micros took = work(thread, missed * options_.replayed_us) - before;
    add(now_ + took + client.round_trip / 2, Kind::began, index);
  }

  void began(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    begin_live(client);
    ++result_.back;
    client.retry = between(options_.retry);
    silences_.add((now_ - client.cut_at) * 1'000);
    result_.all_back_s = std::max(result_.all_back_s, static_cast<double>(now_) / kSecond);
  }

  void leave(int index) {
    Client& client = clients_[static_cast<std::size_t>(index)];
    client.retry = between(options_.drain_retry);
    cut(index);
  }

  void handle(const Event& event) {
    const bool is_clients = event.kind == Kind::leave || event.kind >= Kind::come;
    if (is_clients && clients_[static_cast<std::size_t>(event.who)].life != event.life) return;
    switch (event.kind) {
      case Kind::strike:
        return strike(event.who);
      case Kind::leave:
        return leave(event.who);
      case Kind::stop:
        return stop(event.who);
      case Kind::revive:
        return revive(event.who);
      case Kind::come:
        return come(event.who);
      case Kind::knock:
        return knock(event.who);
      case Kind::request:
        return request(event.who);
      case Kind::late:
        return give_up(event.who, result_.left);
      case Kind::served:
        return ask_redis(event.who, kTokenCommands, Kind::tokens);
      case Kind::tokens:
        return ask_redis(event.who, kSlotCommands, Kind::granted);
      case Kind::granted:
        return granted(event.who);
      case Kind::read:
        return read(event.who);
      case Kind::began:
        return began(event.who);
    }
  }

  void report() {
    result_.connected = live_;
    const auto seconds = [this](double q) { return static_cast<double>(silences_.quantile(q)) / 1e9; };
    result_.silence_s = {seconds(0.5), seconds(0.99), static_cast<double>(silences_.max()) / 1e9};
    result_.connects_peak = begun_.most();
    result_.kafka_pages_peak = pages_.most();
    redis_.report(options_.clients);
    result_.fewest_connections = options_.clients;
    for (const Replica& replica : replicas_) {
      result_.replica_peak = std::max(result_.replica_peak, replica.begun.most());
      result_.most_connections = std::max(result_.most_connections, replica.connections);
      result_.fewest_connections = std::min(result_.fewest_connections, replica.connections);
    }
  }

  const StormOptions options_;
  StormResult result_;
  std::mt19937_64 random_;
  std::vector<Replica> replicas_;
  std::vector<Client> clients_;
  Redis redis_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t orders_ = 0;
  Micros now_ = 0;
  Micros closed_until_ = 0;
  int live_ = 0;
  PerSecond begun_;
  PerSecond pages_;
  Histogram silences_;
};

}  // namespace

StormResult run_storm(const StormOptions& options) { return Storm{options}.run(); }

}  // namespace tailgate::bench
