// One place among the streams that a caller may have open, held as long as the object lives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/loop.h"
#include "limits/limit_counters.h"
#include "limits/limit_store.h"

namespace tailgate {

// The places of one io thread. Threads: its loop's.
class StreamSlots {
 public:
  // `thread_id`: no other thread of any replica has it.
  StreamSlots(LimitStore& store, Loop& loop, std::string thread_id, std::size_t slots_max, LimitCounters& counters)
      : store_{store}, loop_{loop}, thread_id_{std::move(thread_id)}, slots_max_{slots_max}, counters_{counters} {}

  class Slot final : public Watch {
   public:
    Slot(StreamSlots& slots, std::string owner, std::string place)
        : slots_{slots}, owner_{std::move(owner)}, place_{std::move(place)} {}
    ~Slot() override { slots_.leave(owner_, place_); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    StreamSlots& slots_;
    std::string owner_;
    std::string place_;
  };

  // Asks for a slot until the answer comes or what is returned is destroyed. The slot, or null: all are taken. Not
  // within the call.
  using Then = std::function<void(std::unique_ptr<Slot>)>;
  class Question;
  std::unique_ptr<Watch> take(const std::string& owner, Then then);

  std::size_t slots_max() const { return slots_max_; }

 private:
  // Who was refused is not asked for again so soon, unless a place of its own comes free here.
  static constexpr std::int64_t kRefusedMs = 1'000;
  static constexpr std::size_t kRefusedMax = 16'384;

  void leave(const std::string& owner, const std::string& place);
  bool is_refused(const std::string& owner);

  LimitStore& store_;
  Loop& loop_;
  const std::string thread_id_;
  const std::size_t slots_max_;
  LimitCounters& counters_;
  std::uint64_t taken_ = 0;
  std::unordered_map<std::string, std::int64_t> refused_until_ms_;  // by owner
};

}  // namespace tailgate
