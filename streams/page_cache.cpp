#include "streams/page_cache.h"

#include <iterator>
#include <utility>

namespace tailgate {

namespace {

constexpr std::size_t kOverhead = 256;  // of the page, its chunk and its entry here

}  // namespace

std::size_t PageCache::bytes_of(const HistoryPage& page) { return page.end - page.begin + kOverhead; }

void PageCache::add_bytes(const HistoryPage& page) {
  bytes_ += kOverhead;
  if (++chunks_[page.records.get()] == 1) bytes_ += page.records->capacity_bytes();
}

void PageCache::remove_bytes(const HistoryPage& page) {
  bytes_ -= kOverhead;
  const auto chunk = chunks_.find(page.records.get());
  if (--chunk->second > 0) return;
  bytes_ -= page.records->capacity_bytes();
  chunks_.erase(chunk);
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

std::optional<PageCache::Hit> PageCache::find(const TopicPartition& partition, Offset offset) {
  const std::scoped_lock lock{mutex_};
  auto* entry = const_cast<Entry*>(look(partition, offset));
  if (entry == nullptr) return std::nullopt;
  uses_.splice(uses_.end(), uses_, entry->use);
  return Hit{entry->page, entry->run, !std::exchange(entry->is_asked, true)};
}

bool PageCache::has(const TopicPartition& partition, Offset offset) const {
  const std::scoped_lock lock{mutex_};
  return look(partition, offset) != nullptr;
}

void PageCache::put(std::shared_ptr<const HistoryPage> page, std::uint64_t run, bool is_asked) {
  const std::scoped_lock lock{mutex_};
  if (const auto known = pages_.find(page->partition); known != pages_.end()) {
    if (const auto same = known->second.find(page->first); same != known->second.end()) erase(same->second);
  }
  Pages& pages = pages_[page->partition];
  add_bytes(*page);
  const Offset first = page->first;
  Entry& entry = pages.emplace(first, Entry{std::move(page), run, clock_.steady_ms(), is_asked, {}}).first->second;
  entry.use = uses_.insert(uses_.end(), &entry);
  while (bytes_ > bytes_max_ && !uses_.empty()) erase(*uses_.front());
}

void PageCache::erase(const Entry& entry) {
  remove_bytes(*entry.page);
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
    remove_bytes(*entry.page);
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

std::size_t PageCache::bytes() const {
  const std::scoped_lock lock{mutex_};
  return bytes_;
}

}  // namespace tailgate
