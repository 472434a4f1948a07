// A stream in a coding: shared stretches of the log as the units that its feed has compressed, what is of this stream
// alone in blocks of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "streams/coded_format.h"
#include "streams/coded_unit.h"
#include "streams/stream_body.h"

namespace tailgate {

// Threads: its feed's. Memory: that of the stream and, while its client takes less than there is, at most
// kCodedUnitBytes and a little more: the rest of what it has begun.
class CodedBody final : public ByteSource {
 public:
  CodedBody(std::unique_ptr<StreamBody> body, Coding coding);
  ~CodedBody() override;

  Pull prepare(std::size_t bytes_max) override;
  void emit(std::size_t bytes, ByteSink& sink) override;
  void set_waker(Waker& waker) override { body_->set_waker(waker); }
  News* news() override { return body_->news(); }

 private:
  class OwnBlocks;

  // The unit for where the stream stands; null: its bytes go as blocks of its own, `own_max` of them at most.
  const CodedUnit* find_unit(std::size_t& own_max);
  void append_own(std::string_view plain);
  CodedLog& log() { return body_->feed().coded(coding_); }
  CodingCounters& counters() { return body_->feed().context().counters.coded[index_of(coding_)]; }

  std::unique_ptr<StreamBody> body_;
  const CodedFormat& format_;
  std::string out_;  // goes first: own blocks, or the rest of a unit
  std::size_t out_done_ = 0;
  const CodedUnit* unit_ = nullptr;  // from the last prepare
  std::uint64_t fits_ = 0;           // the number of the unit that may follow what was sent; 0: a restart only
  CodedCheck check_;
  const Coding coding_;
  bool is_ended_ = false;
};

}  // namespace tailgate
