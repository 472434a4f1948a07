// The id of a position that moves, kept as text: one event changes one offset in it, and mostly in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cursors/id.h"
#include "cursors/position.h"

namespace tailgate {

// Always reads as format_id() of the same position would write it. A slot is the index of a partition in the order in
// which they were added, whatever their order in the text.
class IdText {
 public:
  explicit IdText(IdForm form) : form_{form} {}
  // The slots are in ascending order of topic and partition.
  IdText(IdForm form, const Position& position);

  // Adds a partition that is not there yet, and returns its slot. With IdForm::offset there is one, with IdForm::parts
  // one topic.
  std::size_t add(std::string_view topic, std::int32_t partition, Offset passed);
  void set(std::size_t slot, Offset passed);

  Offset passed(std::size_t slot) const { return slots_[slot].passed; }
  std::size_t size() const { return slots_.size(); }
  // Lives until the next call of a function that is not const.
  std::string_view text() {
    if (is_stale_) write_all();
    return text_;
  }

 private:
  struct Slot {
    std::string topic;
    std::int32_t partition = 0;
    Offset passed = kNothingPassed;
    std::uint32_t begin = 0;  // of the offset in text_
    std::uint32_t size = 0;
  };

  void write_all();

  IdForm form_;
  bool is_stale_ = false;  // text_ and the places in it are of an earlier position
  std::string text_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> order_;  // slots, ascending by topic and partition
};

}  // namespace tailgate
