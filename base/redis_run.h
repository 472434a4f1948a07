// One call of a script on its way: the same for one Redis, a cluster and what sentinels watch.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log_gate.h"
#include "base/loop.h"
#include "base/redis.h"
#include "base/redis_counters.h"
#include "base/redis_node.h"
#include "base/timers.h"

namespace tailgate {

struct RedisRun {
  RedisCall call;
  Reply<RedisAnswer> reply;
  RedisNode::Instant started;
  RedisNode::Instant deadline;
  bool by_text = false;              // EVAL: the server does not know the script yet
  bool asking = false;               // ASK: the slot is on its way to the server
  int redirects = 0;                 // of a cluster, so far
  std::optional<RedisReply> result;  // while WAIT is under way
};

// What all links do: from a call to a node's commands, and from replies to the answer. The kinds of link say which
// node.
class RedisRunner : public RedisLink {
 public:
  RedisRunner(IoLoop& loop, const RedisOptions& options, RedisCounters& counters, RedisLog log);
  Ask<RedisAnswer> run(RedisCall call, std::function<void(RedisAnswer)> then) override;
  RedisState state() const override { return state_.load(std::memory_order_relaxed); }

 protected:
  using Run = std::shared_ptr<RedisRun>;

  // Where the keys are; null: nowhere now.
  virtual RedisNode* node_of(const RedisRun& run) = 0;
  // The server refused. True: the run goes another way; false: it fails.
  virtual bool on_refused(RedisNode& node, const Run& run, RedisFailure failure, const std::string& error) = 0;

  void start(const Run& run);
  void send(RedisNode& node, const Run& run);
  void fail(RedisRun& run, RedisFailure failure, const std::string& detail);

  // Changes the state, and logs the change by `line`; nothing, if that is the state already.
  void tell_up(const std::string& line);
  void tell_away(const std::string& line);
  // Of a node on which all depends.
  void tell_up(const RedisNode& node);
  void tell_down(const RedisNode& node, RedisFailure failure, const std::string& why);
  // Gives a node up, maybe within a call of its own.
  void retire(std::unique_ptr<RedisNode> node);

  IoLoop& loop_;
  const RedisOptions& options_;
  RedisCounters& counters_;
  const RedisLog log_;
  std::atomic<RedisState> state_{RedisState::connecting};

 private:
  void on_outcome(RedisNode& node, const Run& run, RedisNode::Outcome outcome);
  void confirm(RedisNode& node, const Run& run);
  void on_confirmed(RedisRun& run, const RedisNode::Outcome& outcome);
  void succeed(RedisRun& run, RedisReply reply);
  void tell_refused(RedisFailure failure, const std::string& detail);
  void tell_still_away();

  std::map<RedisFailure, LogGate> refusals_;
  std::string away_line_{"Redis was not reached since the start"};
  std::int64_t away_ms_;  // since when
  Timer still_away_;
  std::vector<std::unique_ptr<RedisNode>> retired_;  // until no call of theirs is under way
  Timer retired_timer_{*this, [](RedisRunner& self) { self.retired_.clear(); }};
};

}  // namespace tailgate
