// A stream as one gzip member: shared stretches of the log as the units that its feed has compressed, what is of this
// stream alone in blocks of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "streams/gzip_format.h"
#include "streams/gzip_unit.h"
#include "streams/stream_body.h"

namespace tailgate {

// Threads: its feed's. Memory: that of the stream and, while its client takes less than there is, at most
// kGzipUnitBytes and a little more: the rest of what it has begun.
class GzipBody final : public ByteSource {
 public:
  explicit GzipBody(std::unique_ptr<StreamBody> body);
  ~GzipBody() override;

  Pull prepare(std::size_t bytes_max) override;
  void emit(std::size_t bytes, ByteSink& sink) override;
  void set_waker(Waker& waker) override { body_->set_waker(waker); }

 private:
  class OwnBlocks;

  // The unit for where the stream stands; null: its bytes go as blocks of its own, `own_max` of them at most.
  const GzipUnit* find_unit(std::size_t& own_max);
  void append_own(std::string_view plain);
  StreamCounters& counters() { return body_->feed().context().counters; }

  std::unique_ptr<StreamBody> body_;
  std::string out_;  // goes first: own blocks, or the rest of a unit
  std::size_t out_done_ = 0;
  const GzipUnit* unit_ = nullptr;  // from the last prepare
  std::uint64_t fits_ = 0;          // the number of the unit that may follow what was sent; 0: a restart only
  GzipCheck check_;
  bool is_ended_ = false;
};

}  // namespace tailgate
