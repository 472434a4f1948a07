#include "streams/tail_news.h"

#include <cassert>
#include <utility>

namespace tailgate {

void LoopNews::add(const std::shared_ptr<Listeners>& listeners) {
  bool is_first = false;
  {
    const std::scoped_lock lock{mutex};
    if (listeners->is_queued) return;
    listeners->is_queued = true;
    is_first = changed.empty();
    changed.push_back(listeners);
  }
  if (is_first) loop.post([self = shared_from_this()] { self->tell(); });
}

void LoopNews::tell() {
  std::vector<std::shared_ptr<Listeners>> to_tell;
  {
    const std::scoped_lock lock{mutex};
    to_tell.swap(changed);
    for (const auto& listeners : to_tell) listeners->is_queued = false;  // what comes from here on is news again
  }
  for (const auto& listeners : to_tell) listeners->tell();
}

void Listeners::add(std::shared_ptr<Follower> follower) {
  follower->place = followers.size();
  followers.push_back(std::move(follower));
  ++count;
}

void Listeners::remove(const Follower& follower) {
  const std::size_t place = follower.place;
  assert(followers[place].get() == &follower);
  --count;
  if (is_telling) {  // others keep their places
    followers[place].reset();
    return;
  }
  if (place + 1 < followers.size()) {
    followers[place] = std::move(followers.back());
    followers[place]->place = place;
  }
  followers.pop_back();
}

void Listeners::tell() {
  is_telling = true;
  for (std::size_t i = 0; i < followers.size(); ++i) {
    // Held: its on_news may remove it.
    if (const std::shared_ptr<Follower> follower = followers[i]) follower->on_news();
  }
  is_telling = false;
  std::erase(followers, nullptr);
  for (std::size_t i = 0; i < followers.size(); ++i) followers[i]->place = i;
}

std::shared_ptr<Listeners> Tail::listeners_on(LoopNews& news) {
  const std::scoped_lock lock{mutex};
  for (const auto& there : listeners) {
    if (&there->news == &news) return there;
  }
  return listeners.emplace_back(std::make_shared<Listeners>(news));
}

void Tail::remove(const Listeners& gone) {
  const std::scoped_lock lock{mutex};
  std::erase_if(listeners, [&gone](const auto& there) { return there.get() == &gone; });
}

void Tail::tell_followers() {
  const std::scoped_lock lock{mutex};
  for (const auto& there : listeners) there->news.add(there);
}

}  // namespace tailgate
