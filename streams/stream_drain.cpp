#include "streams/stream_drain.h"

namespace tailgate {

void StreamDrain::begin(std::int64_t spread_ms) {
  if (has_begun_) return;
  has_begun_ = true;
  begun_ms_ = timers_.clock().steady_ms();
  spread_ms_ = spread_ms;
  all_ = members_.size();
  end_due();
}

void StreamDrain::end_due() {
  const std::int64_t passed_ms = timers_.clock().steady_ms() - begun_ms_;
  const std::size_t due = passed_ms >= spread_ms_
                              ? all_
                              : 1 + all_ * static_cast<std::size_t>(passed_ms) / static_cast<std::size_t>(spread_ms_);
  for (; told_ < due && !members_.empty(); ++told_) {
    Member& member = members_.front();
    member.unlink();
    member.leave(kDraining);
  }
  if (!members_.empty()) timers_.set(timer_, Timers::kSlotMs);
}

}  // namespace tailgate
