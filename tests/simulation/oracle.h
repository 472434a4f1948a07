// What one client may see, held against the truth: every record once and in order, byte for byte; `gap` for what
// retention took and nothing else; `reset` only for what was truncated, after the grace; ids that never go back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cursors/position.h"
#include "streams/feed.h"
#include "tests/simulation/client.h"
#include "tests/simulation/kafka_truth.h"

namespace tailgate::simulation {

struct Bounds {
  std::optional<std::uint64_t> limit;
  std::optional<Position> until;
};

class Oracle {
 public:
  Oracle(const Truth& truth, const FeedSpec& spec, const Clock& clock) : truth_{truth}, spec_{spec}, clock_{clock} {}
  // What follows from a missing first block is to be seen, not that it is missing.
  void do_not_ask_for_first_block() { asks_for_first_block_ = false; }

  // A response begins; it ends where `bounds` say.
  void on_response(Bounds bounds);
  // The first block was received whole: from here on the client is owed everything behind `resolved`, where the server
  // said that it starts, unless it has come with an id.
  void on_started(const Position& resolved);
  // The id that the client sends names an offset that never was.
  void on_forged(const std::string& topic, std::int32_t partition, Offset offset);
  void on_block(const Block& block);
  // What is still owed when everything has come to rest; empty: nothing.
  std::string unrest() const;

  // What is wrong, the first that was seen; empty: nothing.
  const std::string& failure() const { return failure_; }
  bool has_started() const { return has_started_; }
  // The response came to its asked end.
  bool has_ended() const { return has_ended_; }
  const std::string& fault() const { return fault_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t gaps() const { return gaps_; }
  std::uint64_t resets() const { return resets_; }

 private:
  using Partition = std::pair<std::string, std::int32_t>;  // public topic
  struct Explained {
    std::optional<Partition> partition;
    Offset from = 0;
    Offset to = -1;
    bool is_reset = false;
  };

  void fail(const std::string& text);
  std::optional<Position> parse(const Block& block);
  // The position moves to the id's: nothing that is owed may lie between, but what the block explains.
  std::string wrong_move(const Position& to, const Explained& explained) const;
  void move(const Position& to, const Explained& explained, const Block& block);
  void on_record(const Block& block, const Position& to);
  void on_gap(const Block& block, const Position& to);
  void on_reset(const Block& block, const Position& to);
  void on_end(const Block& block);
  bool is_owed(const TruthLog& log, Offset offset) const;
  bool matches(const TruthRecord& record) const;
  bool is_seen(const Block& block, const Partition& partition, const TruthRecord& record) const;
  Offset passed(const Partition& partition) const;
  const TruthLog* log(const Partition& partition) const;

  const Truth& truth_;
  const FeedSpec& spec_;
  const Clock& clock_;
  Bounds bounds_;
  std::map<Partition, Offset> passed_;
  std::map<Partition, Offset> forged_;
  bool has_started_ = false;
  bool is_first_block_ = true;
  bool asks_for_first_block_ = true;
  bool has_ended_ = false;
  std::string fault_;
  std::uint64_t response_records_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t resets_ = 0;
  std::string failure_;
};

}  // namespace tailgate::simulation
