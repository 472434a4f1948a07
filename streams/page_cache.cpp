#include "streams/page_cache.h"

#include <iterator>
#include <utility>

namespace tailgate {

std::size_t PageCache::bytes_of(const HistoryPage& page) { return page.end - page.begin + kPageOverhead; }

// Letting go of it would free nothing now.
bool PageCache::is_held(const Entry& entry) const {
  return entry.page.use_count() > 1 || entry.page->records.use_count() > chunks_.at(entry.page->records.get());
}

void PageCache::leave_chunk(const Entry& entry) {
  const auto chunk = chunks_.find(entry.page->records.get());
  if (--chunk->second == 0) chunks_.erase(chunk);
}

const PageCache::Entry* PageCache::look(const TopicPartition& partition, Offset offset) const {
  const auto pages = pages_.find(partition);
  if (pages == pages_.end()) return nullptr;
  const auto behind = pages->second.upper_bound(offset);
  if (behind == pages->second.begin()) return nullptr;
  const Entry& entry = std::prev(behind)->second;
  if (offset >= entry.page->next || clock_.steady_ms() - entry.put_ms >= kept_ms_) return nullptr;
  return &entry;
}

std::optional<PageCache::Hit> PageCache::find(const TopicPartition& partition, Offset offset, Headers needed) {
  const std::scoped_lock lock{mutex_};
  auto* entry = const_cast<Entry*>(look(partition, offset));
  if (entry == nullptr || !entry->page->is_for(needed)) return std::nullopt;
  uses_.splice(uses_.end(), uses_, entry->use);
  return Hit{entry->page, entry->run, !std::exchange(entry->is_asked, true)};
}

std::shared_ptr<const HistoryPage> PageCache::peek(const TopicPartition& partition, Offset offset) const {
  const std::scoped_lock lock{mutex_};
  const Entry* entry = look(partition, offset);
  return entry == nullptr ? nullptr : entry->page;
}

Offset PageCache::first_from(const TopicPartition& partition, Offset offset) const {
  const std::scoped_lock lock{mutex_};
  const auto pages = pages_.find(partition);
  if (pages == pages_.end()) return kNone;
  const auto next = pages->second.lower_bound(offset);
  return next == pages->second.end() ? kNone : next->first;
}

void PageCache::erase_within(const HistoryPage& page) {
  const auto known = pages_.find(page.partition);
  if (known == pages_.end()) return;
  std::vector<const Entry*> within;
  const auto end = known->second.lower_bound(page.next);
  for (auto it = known->second.lower_bound(page.first); it != end; ++it) {
    const bool is_old = it->first == page.first;  // else it would have kept the page out
    if (is_old || it->second.page->next <= page.next) within.push_back(&it->second);
  }
  for (const Entry* entry : within) erase(*entry);
}

void PageCache::put(std::shared_ptr<const HistoryPage> page, std::uint64_t run, bool is_asked) {
  const std::scoped_lock lock{mutex_};
  const Entry* around = look(page->partition, page->first);
  if (around != nullptr && around->page->next > page->next) {
    if (!is_asked) unasked_.push_back(Unasked{page->partition, run, bytes_of(*page)});
    return;
  }
  erase_within(*page);
  Pages& pages = pages_[page->partition];
  ++chunks_[page->records.get()];
  const Offset first = page->first;
  Entry& entry = pages.emplace(first, Entry{std::move(page), run, clock_.steady_ms(), is_asked, {}}).first->second;
  entry.use = uses_.insert(uses_.end(), &entry);
  make_room_locked(0);
}

bool PageCache::make_room(std::size_t bytes) {
  const std::scoped_lock lock{mutex_};
  return make_room_locked(bytes);
}

bool PageCache::make_room_locked(std::size_t bytes) {
  for (auto it = uses_.begin(); it != uses_.end() && memory_.bytes() + bytes > bytes_max_;) {
    const Entry& entry = **it++;
    if (!is_held(entry)) erase(entry);
  }
  return memory_.bytes() + bytes <= bytes_max_;
}

void PageCache::erase(const Entry& entry) {
  leave_chunk(entry);
  if (!entry.is_asked) unasked_.push_back(Unasked{entry.page->partition, entry.run, bytes_of(*entry.page)});
  uses_.erase(entry.use);
  const auto pages = pages_.find(entry.page->partition);
  const Offset first = entry.page->first;
  pages->second.erase(first);
  if (pages->second.empty()) pages_.erase(pages);
}

void PageCache::drop(const TopicPartition& partition) {
  const std::scoped_lock lock{mutex_};
  const auto pages = pages_.find(partition);
  if (pages == pages_.end()) return;
  for (const auto& [first, entry] : pages->second) {
    leave_chunk(entry);
    uses_.erase(entry.use);
  }
  pages_.erase(pages);
}

void PageCache::drop_old() {
  const std::scoped_lock lock{mutex_};
  const std::int64_t now_ms = clock_.steady_ms();
  for (auto it = uses_.begin(); it != uses_.end();) {
    const Entry& entry = **it++;
    if (now_ms - entry.put_ms >= kept_ms_) erase(entry);
  }
}

std::vector<PageCache::Unasked> PageCache::take_unasked() {
  const std::scoped_lock lock{mutex_};
  return std::exchange(unasked_, {});
}

}  // namespace tailgate
