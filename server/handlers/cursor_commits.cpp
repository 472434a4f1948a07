#include "server/handlers/cursor_commits.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tailgate {
namespace {

void join(CursorMove& into, const CursorMove& from) {
  for (const auto& [topic, parts] : from.position) {
    for (const auto& [partition, passed] : parts) {
      const auto [at, is_new] = into.position[topic].emplace(partition, passed);
      if (!is_new) at->second = std::max(at->second, passed);
    }
  }
  for (const auto& known : from.partitions) into.partitions.insert(known);
}

}  // namespace

CursorCommits::CursorCommits(CursorStore& store, Catalog& catalog, Loop& loop, CursorCounters& counters)
    : store_{store}, catalog_{catalog}, loop_{loop}, counters_{counters} {}

CursorCommits::~CursorCommits() = default;

void CursorCommits::prove(const CursorKey& key, Position position, bool is_whole) {
  if (proofs_.size() >= kProofsMax) return counters_.dropped.add();
  const std::shared_ptr<const Topics> topics = catalog_.topics();
  std::vector<TopicPartition> asked;
  for (auto& [name, parts] : position) {
    const auto topic = topics->by_name.find(name);
    if (topic == topics->by_name.end()) continue;
    for (std::int32_t p = 0; is_whole && p < topic->second.partitions; ++p) parts.emplace(p, kNothingPassed);
    for (const auto& [partition, passed] : parts) {
      if (partition < topic->second.partitions) asked.push_back({topic->second.kafka_name, partition});
    }
  }
  proofs_.push_back({key, std::move(position), {}});
  const auto proof = std::prev(proofs_.end());
  proof->ask =
      catalog_.ends(std::move(asked), loop_, [this, proof](const Catalog::EndsAnswer& ends) { on_ends(proof, ends); });
}

void CursorCommits::on_ends(std::list<Proof>::iterator proof, const Catalog::EndsAnswer& ends) {
  const std::shared_ptr<const Topics> topics = catalog_.topics();
  Position proven;
  for (const auto& [name, parts] : proof->position) {
    const auto topic = topics->by_name.find(name);
    if (!ends || topic == topics->by_name.end()) continue;
    for (const auto& [partition, passed] : parts) {
      const auto end = ends->find({topic->second.kafka_name, partition});
      if (end != ends->end()) proven[name][partition] = std::min(passed, end->second.end - 1);
    }
  }
  const CursorKey key = std::move(proof->key);
  proofs_.erase(proof);
  if (proven.empty()) return counters_.dropped.add();
  note(key, std::nullopt, proven);
}

void CursorCommits::note(const CursorKey& key, std::optional<std::int64_t> generation, const Position& position) {
  const LineKey line_key{key, generation};
  if (lines_.size() >= kCursorsMax && !lines_.contains(line_key)) return counters_.dropped.add();
  Line& line = lines_[line_key];
  CursorMove move;
  move.position = position;
  move.partitions = partitions_of(position);
  join(line.waiting, move);
  const std::int64_t now_ms = loop_.timers().clock().steady_ms();
  if (!line.is_sent && (is_draining_ || line.next_ms <= now_ms)) save_in_turn(line_key, line);
  if (!tick_.is_set()) loop_.timers().set(tick_, kSaveMs);
}

std::map<std::string, std::int32_t> CursorCommits::partitions_of(const Position& position) const {
  const std::shared_ptr<const Topics> topics = catalog_.topics();
  std::map<std::string, std::int32_t> counts;
  for (const auto& [name, parts] : position) {
    if (const auto topic = topics->by_name.find(name); topic != topics->by_name.end()) {
      counts.emplace(name, topic->second.partitions);
    }
  }
  return counts;
}

void CursorCommits::save_in_turn(const LineKey& key, Line& line) {
  if (!std::exchange(line.is_due, true)) due_.push_back(key);
  save_next();
}

void CursorCommits::save_next() {
  while (saves_ < kSavesMax && !due_.empty()) {
    const LineKey key = std::move(due_.front());
    due_.pop_front();
    Line& line = lines_.find(key)->second;  // it has something that waits, so it is there
    line.is_due = false;
    save(key, line);
  }
}

void CursorCommits::save(const LineKey& key, Line& line) {
  ++saves_;
  line.sent = std::exchange(line.waiting, {});
  line.sent.generation = key.second;
  line.is_sent = true;
  line.next_ms = loop_.timers().clock().steady_ms() + kSaveMs;
  line.ask = store_.move(key.first, line.sent, [this, key](const CursorAnswer& answer) { on_saved(key, answer); });
}

void CursorCommits::on_saved(const LineKey& key, const CursorAnswer& answer) {
  --saves_;
  const auto found = lines_.find(key);
  Line& line = found->second;
  line.is_sent = false;
  const CursorMove sent = std::exchange(line.sent, {});
  if (answer) {
    counters_.saves.add();
  } else if (answer.error().refusal == CursorRefusal::away && !is_draining_) {
    counters_.retries.add();
    join(line.waiting, sent);
  } else {
    counters_.refused.add();
  }
  if (is_draining_ && line.waiting.position.empty()) {
    lines_.erase(found);
  } else if (is_draining_) {
    save_in_turn(key, line);
  }
  save_next();
  if (!answer || !*answer || key.second) return;
  // What follows a cursor that it has made itself is fenced off by a reset as well.
  for (auto it = bookmarks_.begin(); it != bookmarks_.end() && !(*it)->generation_;) {
    const auto at = it++;
    if ((*at)->key_ != key.first) continue;
    (*at)->generation_ = (**answer).generation;
    bookmarks_.splice(bookmarks_.end(), bookmarks_, at);
  }
}

void CursorCommits::on_tick() {
  save_all(/*at_once=*/false);
  if (!lines_.empty() || !bookmarks_.empty()) loop_.timers().set(tick_, kSaveMs);
}

void CursorCommits::flush() {
  is_draining_ = true;
  save_all(/*at_once=*/true);
}

void CursorCommits::save_all(bool at_once) {
  for (Bookmark* bookmark : bookmarks_) bookmark->note();
  const std::int64_t now_ms = loop_.timers().clock().steady_ms();
  for (auto it = lines_.begin(); it != lines_.end();) {
    Line& line = it->second;
    const bool is_due = !line.is_sent && (at_once || line.next_ms <= now_ms);
    const bool is_idle = is_due && !line.is_due && line.waiting.position.empty();
    if (is_due && !is_idle) save_in_turn(it->first, line);
    it = is_idle ? lines_.erase(it) : std::next(it);
  }
}

CursorCommits::Bookmark::Bookmark(CursorCommits& commits, CursorKey key, std::optional<std::int64_t> generation,
                                  std::function<Position()> position)
    : commits_{commits}, key_{std::move(key)}, generation_{generation}, position_{std::move(position)} {
  place_ = commits_.bookmarks_.insert(generation_ ? commits_.bookmarks_.end() : commits_.bookmarks_.begin(), this);
  if (!commits_.tick_.is_set()) commits_.loop_.timers().set(commits_.tick_, kSaveMs);
}

CursorCommits::Bookmark::~Bookmark() {
  note();
  commits_.bookmarks_.erase(place_);
}

void CursorCommits::Bookmark::note() {
  Position position = position_();
  if (position == noted_) return;
  commits_.note(key_, generation_, position);
  noted_ = std::move(position);
}

}  // namespace tailgate
