#include "streams/feed_set.h"

#include <algorithm>
#include <utility>

#include "streams/coded_format.h"

namespace tailgate {

namespace {

constexpr std::int64_t kIdleCheckMs = 5'000;

}  // namespace

FeedSet::FeedSet(StreamContext& context, const FeedOptions& options)
    : context_{context},
      options_{options},
      drain_{context.loop.timers()},
      polls_{context.loop},
      jitter_{options.jitter_seed},
      chunks_{context.loop},
      idle_timer_{*this, [](FeedSet& self) { self.drop_idle(); }} {
  topics_watch_ = context_.catalog.watch(context_.loop, [this] { on_topics(); });
  context_.loop.timers().set(idle_timer_, kIdleCheckMs);
}

FeedSet::~FeedSet() = default;

Feed& FeedSet::get(const FeedSpec& spec, const Topics& topics) {
  const std::int64_t now_ms = context_.loop.timers().clock().steady_ms();
  const std::string key = spec.key();
  if (const auto known = feeds_.find(key); known != feeds_.end()) {
    known->second.feed->on_topics(topics);  // the news of them may still be on its way; it may end with them
  }
  const auto [it, is_new] = feeds_.try_emplace(key);
  if (is_new) it->second.feed = std::make_unique<Feed>(spec, topics, context_, *this);
  it->second.used_ms = now_ms;
  context_.counters.feeds.set(feeds_.size());
  return *it->second.feed;
}

KeyIndex& FeedSet::key_index(const TopicPartition& partition) {
  auto& index = key_indexes_[partition];
  if (!index) index = std::make_unique<KeyIndex>(partition, context_.tails, context_.loop);
  return *index;
}

Compressor& FeedSet::compressor(Coding coding) {
  std::unique_ptr<Compressor>& compressor = compressors_[index_of(coding)];
  if (!compressor) compressor = format_of(coding).make_compressor(Effort::for_one);
  return *compressor;
}

void FeedSet::on_bytes_changed(std::size_t before, std::size_t after) {
  bytes_ = bytes_ - before + after;
  context_.counters.feed_bytes.set(bytes_);
}

void FeedSet::on_ended(Feed& feed) {
  const auto it = feeds_.find(feed.spec().key());
  if (it == feeds_.end() || it->second.feed.get() != &feed) return;
  ended_.push_back(std::move(it->second.feed));
  feeds_.erase(it);
}

// A feed that ends leaves the map.
std::vector<Feed*> FeedSet::all() const {
  std::vector<Feed*> feeds;
  for (const auto& [key, kept] : feeds_) feeds.push_back(kept.feed.get());
  return feeds;
}

void FeedSet::on_topics() {
  const auto topics = context_.catalog.topics();
  for (Feed* feed : all()) feed->on_topics(*topics);
}

void FeedSet::drop_idle() {
  const std::int64_t now_ms = context_.loop.timers().clock().steady_ms();
  std::vector<std::int64_t> idle_since;
  for (auto& [key, kept] : feeds_) {
    if (kept.feed->members() > 0) {
      kept.used_ms = now_ms;
    } else {
      idle_since.push_back(kept.used_ms);
    }
  }
  // Above the count the ones go first that have been idle longest.
  std::int64_t before_ms = now_ms - options_.idle_ms;
  if (idle_since.size() > options_.idle_feeds) {
    const auto nth = idle_since.end() - static_cast<std::ptrdiff_t>(options_.idle_feeds);
    std::nth_element(idle_since.begin(), nth, idle_since.end());
    before_ms = std::max(before_ms, *nth - 1);
  }
  std::erase_if(feeds_,
                [&](const auto& item) { return item.second.feed->members() == 0 && item.second.used_ms <= before_ms; });
  std::erase_if(ended_, [](const auto& feed) { return feed->members() == 0; });
  std::erase_if(key_indexes_, [](const auto& entry) { return !entry.second->has_followers(); });
  context_.counters.feeds.set(feeds_.size());
  context_.loop.timers().set(idle_timer_, kIdleCheckMs);
}

}  // namespace tailgate
