#include "base/redis_node.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/redis_failure.h"
#include "base/redis_wire.h"

namespace tailgate {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Of a server that says so for some calls only: a replica answers those that find nothing to write.
constexpr milliseconds kDenialKept{2 * RedisNode::kRetryMaxMs};

// It is left for another connection each time, which leads to the same server until somebody changes that.
bool says_it_cannot_serve(const RedisReply& reply) {
  if (reply.kind != RedisReply::Kind::error) return false;
  const RedisFailure failure = failure_of(reply.text);
  return failure == RedisFailure::readonly || failure == RedisFailure::loading;
}

}  // namespace

RedisNode::RedisNode(IoLoop& loop, RedisAddress address, const RedisOptions& options, RedisGreeting greeting,
                     boost::asio::ssl::context* tls, RedisNodeWatch& watch, RedisCounters& counters)
    : loop_{loop},
      address_{std::move(address)},
      options_{options},
      greeting_{std::move(greeting)},
      tls_{tls},
      watch_{watch},
      counters_{counters},
      timer_{loop.context()},
      self_{std::make_shared<RedisNode*>(this)} {
  open();
}

RedisNode::~RedisNode() {
  *self_ = nullptr;
  if (connection_) connection_->close();
  counters_.waiting.sub(sent_.size() + unsent_.size());
  if (is_breaker_open()) counters_.is_breaker_open.sub();
}

void RedisNode::send(std::string wire, Instant deadline, Done done) {
  if (is_breaker_open()) return done(RedisFailure::breaker);
  if (sent_.size() + unsent_.size() >= options_.queue_max) return done(RedisFailure::full);
  counters_.waiting.add();
  if (stage_ == Stage::up) {
    connection_->write(wire);
    sent_.push_back({{}, deadline, std::move(done)});
  } else {
    unsent_.push_back({std::move(wire), deadline, std::move(done)});
  }
  set_timer(deadline);
}

void RedisNode::reconnect(RedisFailure failure, const std::string& why) {
  if (stage_ == Stage::up) go_down(failure, why);
}

void RedisNode::abandon() {
  std::deque<Command> lost = std::exchange(sent_, {});
  for (Command& command : std::exchange(unsent_, {})) lost.push_back(std::move(command));
  counters_.waiting.sub(lost.size());
  if (connection_) connection_->close();
  connection_.reset();
  stage_ = Stage::waiting;
  *self_ = nullptr;  // no timer opens it again
  for (const Command& command : lost) command.done(RedisFailure::away);
}

void RedisNode::open() {
  stage_ = Stage::opening;
  open_until_ = SteadyClock::now() + milliseconds{options_.connect_ms};
  connection_ = RedisConnection::open(loop_, address_, tls_, *this);
  set_timer(open_until_);
}

void RedisNode::on_open() {
  stage_ = Stage::greeting;
  std::string wire;
  const auto say = [&](std::initializer_list<std::string_view> words) {
    append_redis_command(wire, words);
    greetings_.emplace_back(*words.begin());
  };
  greetings_.clear();
  if (!greeting_.password.empty() && !greeting_.user.empty()) {
    say({"AUTH", greeting_.user, greeting_.password});
  } else if (!greeting_.password.empty()) {
    say({"AUTH", greeting_.password});
  }
  if (greeting_.db != 0) say({"SELECT", std::to_string(greeting_.db)});
  say({greeting_.must_be_master ? "ROLE" : "PING"});
  connection_->write(wire);
}

void RedisNode::on_reply(RedisReply reply) {
  if (stage_ == Stage::greeting) return check_greeting(reply);
  if (sent_.empty()) return go_down(RedisFailure::protocol, "a reply that nobody asked for");
  last_reply_ = SteadyClock::now();
  if (says_it_cannot_serve(reply)) {
    denied_ = last_reply_;
  } else {
    if (last_reply_ - denied_ >= kDenialKept) retry_ms_ = kRetryMinMs;
    clear_failures(0);
  }
  const Done done = std::move(sent_.front().done);
  sent_.pop_front();
  counters_.waiting.sub();
  done(std::move(reply));
}

void RedisNode::check_greeting(const RedisReply& reply) {
  const std::string command = std::move(greetings_.front());
  greetings_.pop_front();
  const bool is_refused = reply.kind == RedisReply::Kind::error;
  if (is_refused && !(greeting_.is_sentinel && command == "AUTH")) {
    return go_down(failure_of(reply.text), command + " was refused: " + reply.text);
  }
  if (command == "ROLE" && (reply.items.empty() || !reply.items[0].is_text("master"))) {
    return go_down(RedisFailure::readonly, "it is not a master");
  }
  if (greetings_.empty()) come_up();
}

void RedisNode::come_up() {
  stage_ = Stage::up;
  last_reply_ = SteadyClock::now();
  counters_.connects.add();
  // A server that greets and fails at all else opens the breaker again with its next failure.
  clear_failures(kFailuresMax - 1);
  for (Command& command : std::exchange(unsent_, {})) {
    connection_->write(command.wire);
    command.wire = {};
    sent_.push_back(std::move(command));
  }
  arm();
  watch_.on_up(*this);
}

void RedisNode::on_failure(RedisFailure failure, const std::string& why) { go_down(failure, why); }

void RedisNode::go_down(RedisFailure failure, const std::string& why) {
  connection_->close();
  connection_.reset();
  stage_ = Stage::waiting;
  next_open_ = SteadyClock::now() + milliseconds{jitter_.shortened(retry_ms_, 50)};
  retry_ms_ = std::min(2 * retry_ms_, kRetryMaxMs);
  std::deque<Command> lost = std::exchange(sent_, {});
  counters_.waiting.sub(lost.size());
  for (std::size_t i = 0; i < std::max<std::size_t>(lost.size(), 1); ++i) count_failure();
  for (const Command& command : lost) command.done(failure);
  arm();
  watch_.on_down(*this, failure, why);
}

void RedisNode::count_failure() {
  if (++failures_ != kFailuresMax) return;
  counters_.breaker_opens.add();
  counters_.is_breaker_open.add();
  refuse_unsent();
}

void RedisNode::clear_failures(int left) {
  const bool was_open = is_breaker_open();
  failures_ = std::min(failures_, left);
  if (was_open) counters_.is_breaker_open.sub();
}

void RedisNode::refuse_unsent() {
  const std::deque<Command> refused = std::exchange(unsent_, {});
  counters_.waiting.sub(refused.size());
  for (const Command& command : refused) command.done(RedisFailure::breaker);
}

// They differ: what a cluster and sentinels are asked for themselves has more time than the calls behind it.
RedisNode::Instant RedisNode::first_deadline(const std::deque<Command>& commands) {
  Instant first = Instant::max();
  for (const Command& command : commands) first = std::min(first, command.deadline);
  return first;
}

// The earliest thing that may have to be done by the clock.
void RedisNode::arm() {
  set_timer(std::min(first_deadline(sent_), first_deadline(unsent_)));
  switch (stage_) {
    case Stage::waiting:
      return set_timer(next_open_);
    case Stage::opening:
    case Stage::greeting:
      return set_timer(open_until_);
    case Stage::up:  // what waits for a reply has its deadline, and needs no ping
      if (sent_.empty()) set_timer(last_reply_ + kIdlePing);
  }
}

void RedisNode::set_timer(Instant due) {
  if (due >= timer_due_) return;
  timer_due_ = due;
  timer_.expires_at(due);
  timer_.async_wait([self = self_](const boost::system::error_code& error) {
    if (error || *self == nullptr) return;
    RedisNode& node = **self;
    const Instant now = SteadyClock::now();
    if (now < node.timer_due_) return;  // set to another time meanwhile
    node.timer_due_ = Instant::max();
    node.on_timer(now);
    node.arm();
  });
}

// Of what was not sent.
void RedisNode::end_overdue(Instant now) {
  const auto is_overdue = [now](const Command& command) { return command.deadline <= now; };
  const auto overdue = std::stable_partition(unsent_.begin(), unsent_.end(), std::not_fn(is_overdue));
  std::deque<Command> ended{std::make_move_iterator(overdue), std::make_move_iterator(unsent_.end())};
  unsent_.erase(overdue, unsent_.end());
  counters_.waiting.sub(ended.size());
  for (const Command& command : ended) {
    count_failure();
    command.done(RedisFailure::timeout);
  }
}

void RedisNode::on_timer(Instant now) {
  end_overdue(now);
  if (stage_ == Stage::waiting && next_open_ <= now) return open();
  if ((stage_ == Stage::opening || stage_ == Stage::greeting) && open_until_ <= now) {
    return go_down(RedisFailure::timeout, "no greeting in time");
  }
  if (first_deadline(sent_) <= now) return go_down(RedisFailure::timeout, "no reply in time");
  if (stage_ == Stage::up && sent_.empty() && last_reply_ + kIdlePing <= now) {
    std::string ping;
    append_redis_command(ping, {"PING"});
    send(std::move(ping), now + milliseconds{options_.deadline_ms}, [](const Outcome&) {});
  }
}

}  // namespace tailgate
