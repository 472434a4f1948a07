#include "tests/ledger/checker.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "tests/ledger/stream_id.h"

namespace tailgate::ledger {

namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

bool is_due(const TrueRecord& record, const std::string& key) {
  return record.is_committed && (key.empty() || record.key == key);
}

// First record for the client in (after, up_to]; nullopt: none.
std::optional<std::int64_t> first_due(const TruePartition& truth, const std::string& key, std::int64_t after,
                                      std::int64_t up_to) {
  for (auto it = truth.records.upper_bound(after); it != truth.records.end() && it->first <= up_to; ++it) {
    if (is_due(it->second, key)) return it->first;
  }
  return std::nullopt;
}

// What all clients together saw of a record.
struct Sighting {
  std::int64_t first_us = kForever;
  std::optional<std::uint64_t> exact;
  std::optional<std::uint64_t> newlines_lost;
};

// A partition as one client has passed through it.
struct Slot {
  PartitionName name;
  std::int32_t topic = 0;
  const TruePartition* truth = nullptr;
  std::optional<std::int64_t> passed;  // nullopt: the client does not know yet where its stream began
  std::int64_t start = -1;             // what `passed` was first
  std::optional<std::int64_t> last_in_connection;
  std::vector<std::pair<std::int64_t, std::int64_t>> gaps;  // what it need not have seen: told by a gap, or excused
  bool in_id = false;
};

class Findings {
 public:
  explicit Findings(std::size_t max) : max_{max} {}
  void add(Violation::Kind kind, std::int32_t client, std::size_t entry, std::string text) {
    if (all_.size() < max_) all_.push_back({kind, client, entry, std::move(text)});
  }
  std::vector<Violation> take() { return std::move(all_); }

 private:
  std::size_t max_;
  std::vector<Violation> all_;
};

class ClientCheck {
 public:
  using Sightings = std::unordered_map<const TrueRecord*, Sighting>;

  ClientCheck(const Ledger& ledger, std::int32_t client, const Partitions& truth, const Rules& rules,
              Sightings& sightings, Findings& findings)
      : plan_{ledger.plans()[static_cast<std::size_t>(client)]},
        entries_{ledger.entries_of(client)},
        client_{client},
        rules_{rules},
        sightings_{sightings},
        findings_{findings} {
    for (const auto& [name, partition] : truth) {
      const auto topic = std::ranges::find(plan_.topics, name.topic);
      if (topic == plan_.topics.end() || (plan_.partition && *plan_.partition != name.partition)) continue;
      Slot slot;
      slot.name = name;
      slot.topic = static_cast<std::int32_t>(topic - plan_.topics.begin());
      slot.truth = &partition;
      slots_.push_back(std::move(slot));
    }
  }

  void run() {
    for (at_ = 0; at_ < entries_.size(); ++at_) {
      const auto& entry = entries_[at_];
      switch (entry.kind) {
        case Entry::Kind::connect:
          on_connect(entry);
          break;
        case Entry::Kind::response:
          on_response(entry);
          break;
        case Entry::Kind::seen:
          on_seen(entry);
          break;
        case Entry::Kind::close:
          on_close(entry);
          break;
      }
    }
    if (rules_.everything_must_be_seen) check_end();
  }

  const ClientPlan& plan() const { return plan_; }
  const std::vector<Slot>& slots() const { return slots_; }

 private:
  void violate(Violation::Kind kind, std::string text) { findings_.add(kind, client_, at_, std::move(text)); }

  static std::string place(const Slot& slot, std::int64_t offset) {
    return slot.name.topic + "/" + std::to_string(slot.name.partition) + " offset " + std::to_string(offset);
  }

  Slot* slot_of(std::int32_t topic, std::int32_t partition) {
    for (auto& slot : slots_) {
      if (slot.topic == topic && slot.name.partition == partition) return &slot;
    }
    return nullptr;
  }

  void on_connect(const Entry& entry) {
    for (auto& slot : slots_) slot.last_in_connection.reset();
    if (was_behind_id_line_) take_excused_id(entry.id);
    was_behind_id_line_ = false;
    is_refused_ = false;
  }

  // A parser that takes the id when its line is parsed comes back with the id of one event that it never dispatched.
  void take_excused_id(const std::string& id) {
    std::size_t lost = 0;
    read_parts(id, [&](Slot& slot, std::int64_t offset) {
      if (!slot.passed) {
        slot.passed = slot.start = offset;
        return;
      }
      for (auto due = first_due(*slot.truth, plan_.key, *slot.passed, offset); due;
           due = first_due(*slot.truth, plan_.key, *due, offset)) {
        ++lost;
      }
      if (offset > *slot.passed) slot.gaps.emplace_back(*slot.passed + 1, offset);
      slot.passed = std::max(*slot.passed, offset);
    });
    if (lost > 1)
      violate(Violation::Kind::skip, "an id line in front of an undispatched event covers " + std::to_string(lost));
  }

  void on_response(const Entry& entry) {
    response_us_ = entry.at_us;
    is_refused_ = entry.status != 200;
    if (entry.status == 200) check_away(entry.at_us);
    if (rules_.refusals_are_soft && entry.status != 200 && plan_.shape.representation == Representation::sse) {
      violate(Violation::Kind::turned_away, "answered with " + std::to_string(entry.status));
    }
    const bool is_refused_for_now = entry.status == 503 || entry.status == 429;
    if (entry.status != 200 && !is_refused_for_now) {
      violate(Violation::Kind::malformed, "answered with " + std::to_string(entry.status));
    }
  }

  void check_away(std::int64_t answered_us) {
    auto since_us = std::exchange(closed_us_, 0);
    if (since_us == 0 || plan_.stays_away) return;
    for (const auto& [from_us, to_us] : rules_.outages) {
      if (since_us < to_us && answered_us > from_us) since_us = to_us;
    }
    if (answered_us - since_us > rules_.away_max_us) {
      violate(Violation::Kind::away, std::to_string((answered_us - since_us) / 1000) + " ms without an answer");
    }
  }

  void on_close(const Entry& entry) {
    // Who cuts itself, which it does behind so many bytes, was being answered.
    if (entry.text.starts_with("cut") && !is_refused_) check_away(entry.at_us);
    if (closed_us_ == 0) closed_us_ = entry.at_us;
    was_behind_id_line_ |= entry.lost_behind_id_line;  // until it comes back: a connection that is refused is none
    if (entry.silence_us > rules_.silence_max_us + plan_.wait_us()) {
      violate(Violation::Kind::silence, std::to_string(entry.silence_us / 1000) + " ms without a byte");
    }
  }

  void on_seen(const Entry& entry) {
    switch (entry.seen) {
      case Seen::Kind::malformed:
        violate(Violation::Kind::malformed, entry.text);
        return;
      case Seen::Kind::record:
        on_record(entry);
        break;
      case Seen::Kind::gap:
        on_gap(entry);
        break;
      case Seen::Kind::reset:
        on_reset(entry);
        return;
      default:
        break;
    }
    if (!entry.id.empty()) on_id(entry);
  }

  void on_record(const Entry& entry) {
    auto* const slot = slot_of(entry.topic, entry.partition);
    if (slot == nullptr) {
      violate(Violation::Kind::phantom,
              "of partition " + std::to_string(entry.partition) + ", which the stream has not");
      return;
    }
    check_content(entry, *slot);
    const auto offset = entry.offset;
    if (slot->last_in_connection && offset <= *slot->last_in_connection) {
      violate(Violation::Kind::nonmonotonic,
              place(*slot, offset) + " after " + std::to_string(*slot->last_in_connection));
    } else if (slot->passed && offset <= *slot->passed) {
      violate(Violation::Kind::duplicate, place(*slot, offset) + ", passed " + std::to_string(*slot->passed));
    }
    if (!slot->passed) {
      slot->passed = slot->start = offset - 1;
    } else if (const auto due = first_due(*slot->truth, plan_.key, *slot->passed, offset - 1)) {
      violate(Violation::Kind::skip, place(*slot, *due) + " before " + std::to_string(offset));
    }
    slot->last_in_connection = std::max(slot->last_in_connection.value_or(-1), offset);
    slot->passed = std::max(*slot->passed, offset);
    if (!entry.id.empty()) {
      std::optional<std::int64_t> own;
      read_parts(entry.id, [&](const Slot& its, std::int64_t passed) {
        if (&its == slot) own = passed;
      });
      if (own != offset) {
        violate(Violation::Kind::nonmonotonic, "the id does not say the record's own offset " + std::to_string(offset));
      }
    }
  }

  void check_content(const Entry& entry, const Slot& slot) {
    const auto found = slot.truth->records.find(entry.offset);
    if (found == slot.truth->records.end() || !is_due(found->second, plan_.key)) {
      violate(Violation::Kind::phantom,
              place(slot, entry.offset) + (found == slot.truth->records.end() ? " holds no record"
                                           : found->second.is_committed       ? " has another key"
                                                                              : " was aborted"));
      return;
    }
    const auto& record = found->second;
    const auto expected = entry.newlines_lost ? record.hash.newlines_lost : record.hash.exact;
    if (entry.hash != expected || (entry.key && *entry.key != record.key)) {
      violate(Violation::Kind::phantom, place(slot, entry.offset) + " has other bytes than were produced");
    }
    auto& sighting = sightings_[&record];
    sighting.first_us = std::min(sighting.first_us, entry.at_us);
    auto& seen = entry.newlines_lost ? sighting.newlines_lost : sighting.exact;
    if (seen && *seen != entry.hash) {
      violate(Violation::Kind::inconsistent, place(slot, entry.offset) + " differs from what another client saw");
    }
    if (!seen) seen = entry.hash;
  }

  void on_gap(const Entry& entry) {
    auto* const slot = slot_of(entry.topic, entry.partition);
    if (slot == nullptr || entry.from < 0 || entry.from > entry.to) {
      violate(Violation::Kind::malformed, "a gap that says nothing: " + entry.text);
      return;
    }
    if (entry.to >= slot->truth->deleted_before(entry.at_us)) {
      violate(Violation::Kind::false_gap, place(*slot, entry.to) + " has not been deleted (deleted before " +
                                              std::to_string(slot->truth->deleted_before(entry.at_us)) + ")");
    }
    if (!slot->passed) {
      slot->passed = slot->start = entry.from - 1;
    } else if (entry.from <= *slot->passed) {
      violate(Violation::Kind::false_gap, place(*slot, entry.from) + " had been passed");
    } else if (const auto due = first_due(*slot->truth, plan_.key, *slot->passed, entry.from - 1)) {
      violate(Violation::Kind::skip, place(*slot, *due) + " in front of a gap that does not name it");
    }
    slot->gaps.emplace_back(entry.from, entry.to);
    slot->passed = std::max(*slot->passed, entry.to);
  }

  void on_reset(const Entry& entry) {
    if (!rules_.resets_allowed) violate(Violation::Kind::false_gap, "a reset: " + entry.text);
    read_parts(entry.id, [](Slot& slot, std::int64_t offset) {
      slot.passed = offset;
      slot.last_in_connection.reset();
    });
  }

  void on_id(const Entry& entry) {
    for (auto& slot : slots_) slot.in_id = false;
    std::vector<bool> topic_named(plan_.topics.size(), false);
    const bool is_read = read_parts(entry.id, [&](Slot& slot, std::int64_t offset) {
      slot.in_id = true;
      topic_named[static_cast<std::size_t>(slot.topic)] = true;
      if (!slot.passed) {
        start(slot, offset, entry);
      } else if (offset < *slot.passed) {
        violate(Violation::Kind::nonmonotonic,
                "the id says " + place(slot, offset) + ", passed " + std::to_string(*slot.passed));
      } else if (const auto due = first_due(*slot.truth, plan_.key, *slot.passed, offset)) {
        violate(Violation::Kind::skip, "the id passes over " + place(slot, *due));
      }
      slot.passed = std::max(*slot.passed, offset);
    });
    if (!is_read) violate(Violation::Kind::malformed, "not an id, or of partitions that do not exist: " + entry.id);
    for (auto& slot : slots_) {
      if (slot.in_id || !topic_named[static_cast<std::size_t>(slot.topic)]) continue;
      if (slot.passed && *slot.passed >= 0)
        violate(Violation::Kind::malformed, "the id forgets " + place(slot, *slot.passed));
      if (!slot.passed) slot.passed = slot.start = -1;
    }
  }

  // The first that the client hears of where it stands.
  void start(Slot& slot, std::int64_t offset, const Entry& entry) {
    for (auto it = slot.truth->records.begin(); it != slot.truth->records.end() && it->first <= offset; ++it) {
      if (!is_due(it->second, plan_.key)) continue;
      if (plan_.from == "earliest" && it->first >= slot.truth->deleted_before(entry.at_us)) {
        violate(Violation::Kind::skip, place(slot, it->first) + " is the earliest, the start is behind it");
        break;
      }
      if (it->second.sent_us > response_us_) {
        violate(Violation::Kind::skip, place(slot, it->first) + " was produced after the response began");
        break;
      }
    }
    slot.passed = slot.start = offset;
  }

  void check_end() {
    at_ = entries_.empty() ? 0 : entries_.size() - 1;
    for (const auto& slot : slots_) {
      const auto passed = slot.passed ? *slot.passed : plan_.from == "earliest" ? -1 : kForever - 1;
      const auto last_deleted = slot.truth->deleted_before(kForever) - 1;
      if (const auto due = first_due(*slot.truth, plan_.key, std::max(passed, last_deleted), kForever)) {
        violate(Violation::Kind::unseen, place(slot, *due) + " at the end, passed " + std::to_string(passed));
      }
    }
  }

  // False: `id` is none, or names what the stream has not.
  template <class OnPart>
  bool read_parts(const std::string& id, OnPart on_part) {
    bool is_known = true;
    const bool is_read = read_id(
        id, plan_.partition.value_or(0), [&](std::string_view topic, std::int32_t partition, std::int64_t offset) {
          std::int32_t index = 0;
          if (!topic.empty()) {
            const auto found = std::ranges::find(plan_.topics, topic);
            index = found == plan_.topics.end() ? -1 : static_cast<std::int32_t>(found - plan_.topics.begin());
          }
          auto* const slot = slot_of(index, partition);
          if (slot == nullptr)
            is_known = false;
          else
            on_part(*slot, offset);
        });
    return is_read && is_known;
  }

  const ClientPlan& plan_;
  const std::vector<Entry>& entries_;
  std::int32_t client_;
  const Rules& rules_;
  Sightings& sightings_;
  Findings& findings_;
  std::vector<Slot> slots_;
  std::size_t at_ = 0;
  std::int64_t response_us_ = 0;
  std::int64_t closed_us_ = 0;  // 0: it has an answer, or has never had one
  bool was_behind_id_line_ = false;
  bool is_refused_ = false;  // what the client asked last
};

bool covers(const Slot& slot, std::int64_t offset) {
  if (!slot.passed || offset <= slot.start || offset > *slot.passed) return false;
  return std::ranges::none_of(slot.gaps, [&](const auto& gap) { return gap.first <= offset && offset <= gap.second; });
}

void check_lost(const std::vector<ClientCheck>& clients, const Partitions& truth,
                const ClientCheck::Sightings& sightings, Findings& findings) {
  for (const auto& [name, partition] : truth) {
    std::vector<const Slot*> readers;
    for (const auto& client : clients) {
      if (!client.plan().key.empty()) continue;
      for (const auto& slot : client.slots()) {
        if (slot.name == name) readers.push_back(&slot);
      }
    }
    std::int64_t newest = -1;
    for (const auto& [offset, record] : partition.records) {
      if (sightings.contains(&record)) newest = offset;
    }
    for (const auto& [offset, record] : partition.records) {
      if (offset > newest) break;
      if (!record.is_committed || sightings.contains(&record)) continue;
      if (std::ranges::any_of(readers, [&, o = offset](const Slot* slot) { return covers(*slot, o); })) {
        findings.add(Violation::Kind::lost, -1, 0,
                     name.topic + "/" + std::to_string(name.partition) + " offset " + std::to_string(offset) +
                         " was seen by no client");
      }
    }
  }
}

void check_progress(const Rules& rules, const Partitions& truth, const ClientCheck::Sightings& sightings,
                    Findings& findings) {
  for (const auto& stretch : rules.progress) {
    for (const auto& [name, partition] : truth) {
      for (const auto& [offset, record] : partition.records) {
        if (!record.is_committed || record.sent_us < stretch.from_us || record.sent_us > stretch.to_us) continue;
        const auto found = sightings.find(&record);
        if (found != sightings.end() && found->second.first_us - record.sent_us <= stretch.pace_us) continue;
        findings.add(
            Violation::Kind::stuck, -1, 0,
            name.topic + "/" + std::to_string(name.partition) + " offset " + std::to_string(offset) +
                (found == sightings.end()
                     ? " never came"
                     : " came after " + std::to_string((found->second.first_us - record.sent_us) / 1000) + " ms"));
        break;
      }
    }
  }
}

}  // namespace

std::string_view name_of(Violation::Kind kind) {
  switch (kind) {
    case Violation::Kind::nonmonotonic:
      return "nonmonotonic";
    case Violation::Kind::duplicate:
      return "duplicate";
    case Violation::Kind::skip:
      return "skip";
    case Violation::Kind::phantom:
      return "phantom";
    case Violation::Kind::inconsistent:
      return "inconsistent";
    case Violation::Kind::lost:
      return "lost";
    case Violation::Kind::false_gap:
      return "false gap";
    case Violation::Kind::unseen:
      return "unseen";
    case Violation::Kind::silence:
      return "silence";
    case Violation::Kind::stuck:
      return "stuck";
    case Violation::Kind::away:
      return "away";
    case Violation::Kind::turned_away:
      return "turned away";
    case Violation::Kind::malformed:
      return "malformed";
  }
  return "?";
}

std::vector<Violation> check(const Ledger& ledger, const Partitions& truth, const Rules& rules) {
  Findings findings{rules.violations_max};
  ClientCheck::Sightings sightings;
  std::vector<ClientCheck> clients;
  clients.reserve(ledger.plans().size());
  for (std::size_t client = 0; client < ledger.plans().size(); ++client) {
    clients.emplace_back(ledger, static_cast<std::int32_t>(client), truth, rules, sightings, findings);
    clients.back().run();
  }
  check_lost(clients, truth, sightings, findings);
  check_progress(rules, truth, sightings, findings);
  return findings.take();
}

bool has_passed_all(const ClientPlan& plan, const std::string& id, const Partitions& truth) {
  std::map<PartitionName, std::int64_t> passed;
  read_id(id, plan.partition.value_or(0), [&](std::string_view topic, std::int32_t partition, std::int64_t offset) {
    passed[{topic.empty() ? plan.topics.front() : std::string{topic}, partition}] = offset;
  });
  return std::ranges::all_of(truth, [&](const auto& named) {
    const auto& [name, partition] = named;
    if (std::ranges::find(plan.topics, name.topic) == plan.topics.end()) return true;
    if (plan.partition && *plan.partition != name.partition) return true;
    const auto found = passed.find(name);
    const auto last_deleted = partition.deleted_before(kForever) - 1;
    return !first_due(partition, plan.key, std::max(last_deleted, found == passed.end() ? -1 : found->second),
                      kForever);
  });
}

std::string report(const Ledger& ledger, const std::vector<Violation>& violations, std::uint64_t seed,
                   const std::vector<std::string>& timeline) {
  std::ostringstream out;
  out << "seed " << seed << ", " << ledger.plans().size() << " clients, " << ledger.size() << " lines, "
      << violations.size() << " violations\n";
  for (const auto& moment : timeline) out << "  " << moment << '\n';
  for (const auto& violation : violations) {
    out << name_of(violation.kind) << ": client " << violation.client << ": " << violation.text << '\n';
  }
  const auto first = std::ranges::find_if(violations, [](const Violation& each) { return each.client >= 0; });
  if (first == violations.end()) return out.str();
  const auto& plan = ledger.plans()[static_cast<std::size_t>(first->client)];
  const auto& entries = ledger.entries_of(first->client);
  out << "around the first, of " << plan.target() << " from " << plan.from << (plan.is_h2 ? " over h2" : "")
      << (plan.shape.id_by_line ? ", id by line" : "") << ":\n";
  const auto begin = first->entry >= 14 ? first->entry - 14 : 0;
  for (auto at = begin; at < std::min(begin + 20, entries.size()); ++at) {
    out << (at == first->entry ? "> " : "  ") << ledger.line(entries[at]) << '\n';
  }
  return out.str();
}

}  // namespace tailgate::ledger
