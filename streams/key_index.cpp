#include "streams/key_index.h"

#include <algorithm>
#include <utility>

namespace tailgate {

namespace {

constexpr std::size_t kRecordsATurn = 16 * 1024;  // a look costs some 50 ns
constexpr std::size_t kProgressTurns = 5;         // a timer comes up to a slot late

}  // namespace

KeyedFollow::KeyedFollow(KeyIndex& index, const std::vector<std::string>& keys, std::function<void()> on_news)
    : index_{index}, keys_{keys}, on_news_{std::move(on_news)} {
  index_.add(*this);
}

KeyedFollow::~KeyedFollow() { index_.remove(*this); }

const RecordLog& KeyedFollow::log() const { return index_.follow_->log(); }

bool KeyedFollow::skip(RecordLog::Cursor& cursor) {
  if (cursor.epoch != known_epoch_ || cursor.next < known_from_) return false;
  const auto next = std::find_if(matches_.begin(), matches_.end(),
                                 [&cursor](const Match& match) { return match.offset >= cursor.next; });
  matches_.erase(matches_.begin(), next);
  const Offset to = matches_.empty() ? index_.cursor_.next : matches_.front().offset;
  const bool moves = to > cursor.next;
  if (moves) cursor = RecordLog::Cursor{known_epoch_, to, nullptr, 0};
  if (!cursor.chunk && !matches_.empty()) {
    cursor.chunk = matches_.front().chunk.lock();
    cursor.at = matches_.front().at;
  }
  return moves;
}

KeyIndex::KeyIndex(const TopicPartition& partition, Tails& tails, Loop& loop)
    : follow_{tails.follow(partition, loop, [this] { read(); })},
      loop_{loop},
      progress_timer_{*this, [](KeyIndex& self) { self.tell_some(); }} {
  const RecordLog& log = follow_->log();
  const std::uint64_t epoch = log.epoch();
  const RecordLog::Cursor head = log.seek(log.next());
  // Else it starts with the news of the epoch.
  if (epoch != 0 && head.epoch == epoch && log.epoch() == epoch) cursor_ = head;
}

std::unique_ptr<KeyedFollow> KeyIndex::follow(const std::vector<std::string>& keys, std::function<void()> on_news) {
  return std::make_unique<KeyedFollow>(*this, keys, std::move(on_news));
}

void KeyIndex::add(KeyedFollow& follower) {
  follower.known_epoch_ = cursor_.epoch;
  follower.known_from_ = cursor_.next;
  follower.place_ = followers_.size();
  followers_.push_back(&follower);
  if (unheard_ > 0) ++unheard_;  // it may stand before some whose turn has not come
  for (const std::string& key : follower.keys_) by_key_[key].push_back(&follower);
}

void KeyIndex::remove(KeyedFollow& follower) {
  for (const std::string& key : follower.keys_) {
    const auto wanting = by_key_.find(key);
    auto& follows = wanting->second;
    follows.erase(std::find(follows.begin(), follows.end(), &follower));
    if (follows.empty()) by_key_.erase(wanting);
  }
  followers_.back()->place_ = follower.place_;
  followers_[follower.place_] = followers_.back();
  followers_.pop_back();
  if (unheard_ > 0) unheard_ = followers_.size();  // one has moved, maybe to where the turn has been
  std::erase(told_, &follower);
}

void KeyIndex::read() {
  const RecordLog& log = follow_->log();
  bool has_moved = false;
  bool are_all_told = false;
  RecordView record;
  cursor_.chunk = left_.lock();
  for (std::size_t records = 0; records < kRecordsATurn;) {
    const RecordChunk* const chunk = cursor_.chunk.get();
    const std::size_t at = cursor_.at;
    const RecordLog::Step step = log.read(cursor_, record);
    if (step == RecordLog::Step::head) break;
    has_moved = true;
    if (step == RecordLog::Step::lost) {
      const std::uint64_t epoch = log.epoch();
      const RecordLog::Cursor first = log.seek(log.first());
      if (first.epoch != epoch || log.epoch() != epoch) continue;
      cursor_ = first;
      for (KeyedFollow* follower : followers_) {
        follower->matches_.clear();
        follower->known_epoch_ = epoch;
        follower->known_from_ = cursor_.next;
        tell(*follower);
      }
      are_all_told = true;
    } else if (step == RecordLog::Step::record) {
      ++records;
      if (record.key) note(record, cursor_.chunk.get() == chunk ? at : 0);
    }
  }
  if (cursor_.next < log.next()) {
    auto [ask, reply] = make_ask<bool>(loop_, [this](bool) { read(); });
    rest_ = std::move(ask);
    reply(true);
  }
  left_ = std::exchange(cursor_.chunk, nullptr);
  while (!told_.empty()) {
    KeyedFollow* const follower = told_.back();
    told_.pop_back();
    follower->is_told_ = false;
    follower->on_news_();
  }
  if (!has_moved || are_all_told) return;
  unheard_ = followers_.size();
  if (!progress_timer_.is_set()) tell_some();
}

// `at`: in the chunk that the cursor is in, where the record or one before it is.
void KeyIndex::note(const RecordView& record, std::size_t at) {
  const auto wanting = by_key_.find(*record.key);
  if (wanting == by_key_.end()) return;
  for (KeyedFollow* const wants : wanting->second) {
    KeyedFollow& follower = *wants;
    if (follower.matches_.size() == KeyedFollow::kMatchesMax) {
      follower.matches_.clear();
      follower.known_from_ = record.offset + 1;
    } else {
      follower.matches_.push_back({record.offset, cursor_.chunk, at});
    }
    tell(follower);
  }
}

void KeyIndex::tell(KeyedFollow& follower) {
  follower.has_heard_ = true;
  if (std::exchange(follower.is_told_, true)) return;
  told_.push_back(&follower);
}

void KeyIndex::tell_some() {
  std::size_t some = std::min(unheard_, followers_.size() / kProgressTurns + 1);
  unheard_ -= some;
  for (; some > 0 && !followers_.empty(); --some) {
    turn_ = (turn_ + 1) % followers_.size();
    if (std::exchange(followers_[turn_]->has_heard_, false)) {
      is_one_left_out_ = true;
    } else {
      followers_[turn_]->on_news_();
    }
  }
  if (unheard_ == 0 && std::exchange(is_one_left_out_, false)) unheard_ = followers_.size();
  if (unheard_ > 0) loop_.timers().set(progress_timer_, Timers::kSlotMs);
}

}  // namespace tailgate
