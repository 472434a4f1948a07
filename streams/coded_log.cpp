#include "streams/coded_log.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace tailgate {

namespace {

// Restarts nearer to each other would spoil the ratio for all while clients come one by one.
constexpr std::size_t kRestartBytes = 16 * 1024;
constexpr std::int64_t kRestartMs = 1'000;

auto first_at(const std::vector<CodedUnit>& units, std::size_t from) {
  return std::lower_bound(units.begin(), units.end(), from,
                          [](const CodedUnit& unit, std::size_t byte) { return unit.from < byte; });
}

bool ends_event(const FeedChunk& chunk, std::size_t to) {
  const auto it = std::lower_bound(chunk.entries.begin(), chunk.entries.end(), to,
                                   [](const FeedEntry& entry, std::size_t byte) { return entry.end < byte; });
  return it != chunk.entries.end() && it->end == to;
}

}  // namespace

void CodedLog::enter() {
  if (users_++ > 0) return;
  compressor_ = format_.make_compressor(Effort::for_all);
  bytes_ = format_.compressor_bytes();
  is_restart_wanted_ = true;
  since_restart_bytes_ = kRestartBytes;  // at once
}

void CodedLog::leave() {
  assert(users_ > 0);
  if (--users_ > 0) return;
  compressor_.reset();
  bytes_ = 0;
  scratch_ = std::string{};
}

const CodedUnit* CodedLog::find(const FeedChunk& chunk, std::size_t from) const {
  const std::vector<CodedUnit>& units = chunk.units[index_of(coding_)];
  if (units.empty()) return nullptr;
  if (units.back().from == from) return &units.back();
  const auto it = first_at(units, from);
  return it != units.end() && it->from == from ? &*it : nullptr;
}

std::size_t CodedLog::next_restart(const FeedChunk& chunk, std::size_t from) const {
  const std::vector<CodedUnit>& units = chunk.units[index_of(coding_)];
  const auto it =
      std::find_if(first_at(units, from), units.end(), [](const CodedUnit& unit) { return unit.is_restart; });
  return it == units.end() ? chunk.used() : it->from;
}

const CodedUnit* CodedLog::make(FeedChunk& chunk, std::size_t from, std::size_t to, std::int64_t now_ms) {
  assert(from < to && to <= chunk.used() && to - from <= kCodedUnitBytes && compressor_);
  if (chunk.begin + from < end_) return nullptr;
  if (to - from < kCodedPartBytes && !ends_event(chunk, to)) return nullptr;
  end_ = chunk.begin + to;
  const bool is_restart =
      is_restart_wanted_ && (since_restart_bytes_ >= kRestartBytes || now_ms - restart_ms_ >= kRestartMs);
  if (is_restart) {
    compressor_->restart();
    is_restart_wanted_ = false;
    since_restart_bytes_ = 0;
    restart_ms_ = now_ms;
  }
  since_restart_bytes_ += to - from;
  const std::string_view plain = chunk.view(from, to);
  scratch_.clear();
  compressor_->compress(plain, scratch_);
  auto bytes = std::make_unique_for_overwrite<char[]>(scratch_.size());
  std::memcpy(bytes.get(), scratch_.data(), scratch_.size());
  CodedUnit unit{static_cast<std::uint32_t>(from),
                 static_cast<std::uint32_t>(to),
                 ++made_,
                 is_restart,
                 format_.part_of(plain),
                 std::move(bytes),
                 scratch_.size()};
  return &log_.append_unit(chunk, coding_, std::move(unit));
}

}  // namespace tailgate
