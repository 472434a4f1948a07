#include "cursors/id_text.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <tuple>
#include <utility>

#include "cursors/offset_text.h"

namespace tailgate {

IdText::IdText(IdForm form, const Position& position) : form_{form} {
  for (const auto& [topic, parts] : position) {
    for (const auto& [partition, passed] : parts) add(topic, partition, passed);
  }
}

std::size_t IdText::add(std::string_view topic, std::int32_t partition, Offset passed) {
  assert(form_ != IdForm::offset || slots_.empty());
  assert(form_ != IdForm::parts || slots_.empty() || slots_[0].topic == topic);
  const auto is_before = [this](std::uint32_t slot, std::pair<std::string_view, std::int32_t> other) {
    return std::pair<std::string_view, std::int32_t>{slots_[slot].topic, slots_[slot].partition} < other;
  };
  const auto at = std::lower_bound(order_.begin(), order_.end(), std::pair{topic, partition}, is_before);
  assert(at == order_.end() || slots_[*at].partition != partition || slots_[*at].topic != topic);
  order_.insert(at, static_cast<std::uint32_t>(slots_.size()));
  slots_.push_back({.topic = std::string{topic}, .partition = partition, .passed = passed});
  is_stale_ = true;
  return slots_.size() - 1;
}

void IdText::set(std::size_t slot, Offset passed) {
  Slot& it = slots_[slot];
  const Offset was = std::exchange(it.passed, passed);
  if (is_stale_) return;
  // Mostly it is the next one, and no digit but the last is another.
  char& last_digit = text_[it.begin + it.size - 1];
  if (was >= 0 && passed == was + 1 && last_digit != '9') {
    ++last_digit;
    return;
  }
  OffsetText digits;
  const std::string_view now = digits.of(passed);
  if (now.size() == it.size) {
    std::memcpy(text_.data() + it.begin, now.data(), now.size());
  } else {
    is_stale_ = true;  // everything behind it moves: rare, an offset grows by a digit once in ten times its value
  }
}

void IdText::write_all() {
  OffsetText digits;
  text_.clear();
  const Slot* last = nullptr;
  for (const std::uint32_t slot : order_) {
    Slot& it = slots_[slot];
    const bool is_new_topic = !last || last->topic != it.topic;
    if (last) text_ += is_new_topic ? ';' : ',';
    if (form_ == IdForm::topics && is_new_topic) text_.append(it.topic).append(1, '=');
    if (form_ != IdForm::offset) text_.append(digits.of(it.partition)).append(1, ':');
    const std::string_view offset = digits.of(it.passed);
    it.begin = static_cast<std::uint32_t>(text_.size());
    it.size = static_cast<std::uint32_t>(offset.size());
    text_ += offset;
    last = &it;
  }
  is_stale_ = false;
}

}  // namespace tailgate
