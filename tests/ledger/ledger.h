// The ledger: one line for everything that a client saw or did, in the order in which it did.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/ledger/body_reader.h"
#include "tests/ledger/seen.h"

namespace tailgate::ledger {

// Microseconds of the steady clock: what all times of a run are in.
std::int64_t now_us();

// What a client asks for, and how it reads.
struct ClientPlan {
  std::vector<std::string> topics;
  std::optional<std::int32_t> partition;
  BodyShape shape;
  std::string from = "earliest";  // of the first request
  std::string key;                // "": no filter
  bool is_h2 = false;
  std::string accept_encoding;        // "": none
  std::int64_t bytes_per_second = 0;  // 0: as fast as it can
  bool stays_away = false;            // comes back after seconds, so that retention passes it
  bool is_cut = true;                 // loses its connection at random bytes; else only with its replica

  std::string target() const;  // path and query, without where it starts
  // How long an answer may lawfully take when there is nothing to say: long polls only.
  std::int64_t wait_us() const {
    return shape.representation == Representation::long_poll ? kPollWaitS * 1'000'000 : 0;
  }

  static constexpr std::int64_t kPollWaitS = 5;
};

struct Entry {
  enum class Kind : std::uint8_t { connect, response, seen, close };
  Kind kind = Kind::seen;
  std::int32_t client = 0;
  std::int32_t connection = 0;
  std::int32_t replica = 0;
  std::int64_t at_us = 0;
  std::string id;  // connect: what it comes back with; seen: of the event
  // seen:
  Seen::Kind seen = Seen::Kind::record;
  std::int32_t topic = -1;  // index into the plan's topics
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  std::int64_t from = -1;
  std::int64_t to = -1;
  bool newlines_lost = false;
  std::uint64_t hash = 0;
  std::optional<std::string> key;
  std::string text;  // malformed, fault …: what it was; close: why
  // response:
  int status = 0;
  // close:
  std::int64_t silence_us = 0;       // the longest wait for a byte of the body (long poll: for its last one)
  bool lost_behind_id_line = false;  // the parser had taken the id of an event that it did not dispatch
};

// Threads: the swarm's while it runs, then any.
class Ledger {
 public:
  std::int32_t add_client(ClientPlan plan);
  void append(Entry entry);

  const std::vector<ClientPlan>& plans() const { return plans_; }
  const std::vector<Entry>& entries_of(std::int32_t client) const { return entries_[static_cast<std::size_t>(client)]; }
  std::size_t size() const;
  // One line, for people.
  std::string line(const Entry& entry) const;
  // Every line in the order of time. False: the file could not be written.
  bool write(const std::string& path) const;

 private:
  std::vector<ClientPlan> plans_;
  std::vector<std::vector<Entry>> entries_;
};

// The event as the ledger keeps it. What a bare value does not say comes from the plan, its own content and the id.
Entry entry_of(const ClientPlan& plan, const Seen& seen);

}  // namespace tailgate::ledger
