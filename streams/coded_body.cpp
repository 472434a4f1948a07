#include "streams/coded_body.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "streams/feed_set.h"

namespace tailgate {

namespace {

constexpr std::size_t kStoredBytes = 200;  // own blocks up to here: compressing them alone saves little

// For what goes out in another form.
class NoSink final : public ByteSink {
 public:
  void copy(std::string_view) override {}
  void ref(std::string_view) override {}
};

}  // namespace

class CodedBody::OwnBlocks final : public ByteSink {
 public:
  explicit OwnBlocks(CodedBody& body) : body_{body} {}
  void copy(std::string_view bytes) override { body_.append_own(bytes); }
  void ref(std::string_view bytes) override { body_.append_own(bytes); }

 private:
  CodedBody& body_;
};

CodedBody::CodedBody(std::unique_ptr<StreamBody> body, Coding coding)
    : body_{std::move(body)}, format_{format_of(coding)}, coding_{coding} {
  format_.append_begin(out_);
  log().enter();
  counters().streams.add();
}

CodedBody::~CodedBody() {
  log().leave();
  counters().streams.sub();
}

Pull CodedBody::prepare(std::size_t bytes_max) {
  unit_ = nullptr;
  while (true) {
    if (!out_.empty()) return Pull{Pull::State::ready, std::min(out_.size() - out_done_, bytes_max)};
    if (is_ended_) return Pull{Pull::State::end, 0};
    Pull pull = body_->prepare(kCodedUnitBytes);
    if (pull.state == Pull::State::end) {
      format_.append_end(out_, check_);
      is_ended_ = true;
      continue;
    }
    if (pull.state != Pull::State::ready) return pull;
    std::size_t own_max = pull.bytes;
    unit_ = find_unit(own_max);
    const std::size_t plain = unit_ != nullptr ? unit_->to - unit_->from : own_max;
    if (plain < pull.bytes) pull = body_->prepare(plain);
    if (unit_ != nullptr) {
      assert(pull.bytes == plain);
      return Pull{Pull::State::ready, std::min(unit_->size, bytes_max)};
    }
    OwnBlocks own{*this};
    body_->emit(pull.bytes, own);
  }
}

const CodedUnit* CodedBody::find_unit(std::size_t& own_max) {
  const StreamBody::Stretch here = body_->stretch();
  if (here.chunk == nullptr) return nullptr;
  if (fits_ == 0) log().want_restart();
  const CodedUnit* unit = log().find(*here.chunk, here.from);
  if (unit == nullptr) unit = body_->feed().make_unit(coding_, *here.chunk, here.from, here.to);
  const bool fits = unit != nullptr && (unit->is_restart || unit->number == fits_) && unit->to <= here.to;
  if (fits) return unit;
  own_max = std::min(here.to, log().next_restart(*here.chunk, here.from + 1)) - here.from;
  return nullptr;
}

void CodedBody::append_own(std::string_view plain) {
  const std::size_t before = out_.size();
  if (plain.size() <= kStoredBytes) {
    format_.append_stored(out_, plain);
  } else {
    Compressor& compressor = body_->feed().owner().compressor(coding_);
    compressor.restart();
    compressor.compress(plain, out_);
  }
  format_.add(check_, plain);
  fits_ = 0;
  counters().plain_bytes.add(plain.size());
  counters().bytes_out.add(out_.size() - before);
}

void CodedBody::emit(std::size_t bytes, ByteSink& sink) {
  if (unit_ == nullptr) {
    sink.copy(std::string_view{out_}.substr(out_done_, bytes));
    out_done_ += bytes;
    if (out_done_ < out_.size()) return;
    out_ = std::string{};  // gives its memory back
    out_done_ = 0;
    return;
  }
  const CodedUnit& unit = *std::exchange(unit_, nullptr);
  NoSink none;
  body_->emit(unit.to - unit.from, none);
  sink.ref(unit.view().substr(0, bytes));
  out_ = unit.view().substr(bytes);
  format_.add(check_, unit.check);
  fits_ = unit.number + 1;
  counters().plain_bytes.add(unit.to - unit.from);
  counters().bytes_out.add(unit.size);
}

}  // namespace tailgate
