#include "streams/gzip_body.h"

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

class GzipBody::OwnBlocks final : public ByteSink {
 public:
  explicit OwnBlocks(GzipBody& body) : body_{body} {}
  void copy(std::string_view bytes) override { body_.append_own(bytes); }
  void ref(std::string_view bytes) override { body_.append_own(bytes); }

 private:
  GzipBody& body_;
};

GzipBody::GzipBody(std::unique_ptr<StreamBody> body) : body_{std::move(body)} {
  append_gzip_header(out_);
  body_->feed().gzip().enter();
  counters().gzip_streams.add();
}

GzipBody::~GzipBody() {
  body_->feed().gzip().leave();
  counters().gzip_streams.sub();
}

Pull GzipBody::prepare(std::size_t bytes_max) {
  unit_ = nullptr;
  while (true) {
    if (!out_.empty()) return Pull{Pull::State::ready, std::min(out_.size() - out_done_, bytes_max)};
    if (is_ended_) return Pull{Pull::State::end, 0};
    Pull pull = body_->prepare(kGzipUnitBytes);
    if (pull.state == Pull::State::end) {
      append_gzip_end(out_, check_);
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

const GzipUnit* GzipBody::find_unit(std::size_t& own_max) {
  const StreamBody::Stretch here = body_->stretch();
  if (here.chunk == nullptr) return nullptr;
  Feed& feed = body_->feed();
  if (fits_ == 0) feed.gzip().want_restart();
  const GzipUnit* unit = GzipLog::find(*here.chunk, here.from);
  if (unit == nullptr) unit = feed.make_gzip_unit(*here.chunk, here.from, here.to);
  const bool fits = unit != nullptr && (unit->is_restart || unit->number == fits_) && unit->to <= here.to;
  if (fits) return unit;
  own_max = std::min(here.to, GzipLog::next_restart(*here.chunk, here.from + 1)) - here.from;
  return nullptr;
}

void GzipBody::append_own(std::string_view plain) {
  const std::size_t before = out_.size();
  if (plain.size() <= kStoredBytes) {
    append_stored(out_, plain);
  } else {
    Deflater& deflater = body_->feed().owner().deflater();
    deflater.restart();
    deflater.deflate(plain, out_);
  }
  check_.add(plain);
  fits_ = 0;
  counters().gzip_plain_bytes.add(plain.size());
  counters().gzip_bytes_out.add(out_.size() - before);
}

void GzipBody::emit(std::size_t bytes, ByteSink& sink) {
  if (unit_ == nullptr) {
    sink.copy(std::string_view{out_}.substr(out_done_, bytes));
    out_done_ += bytes;
    if (out_done_ < out_.size()) return;
    out_ = std::string{};  // gives its memory back
    out_done_ = 0;
    return;
  }
  const GzipUnit& unit = *std::exchange(unit_, nullptr);
  NoSink none;
  body_->emit(unit.to - unit.from, none);
  sink.ref(unit.view().substr(0, bytes));
  out_ = unit.view().substr(bytes);
  check_.add(unit.check);
  fits_ = unit.number + 1;
  counters().gzip_plain_bytes.add(unit.to - unit.from);
  counters().gzip_bytes_out.add(unit.size);
}

}  // namespace tailgate
