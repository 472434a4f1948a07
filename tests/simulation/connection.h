// One response on its way from an io thread to a client: the body, the session that pulls it, the wire. Or a long poll,
// whose answer is put on the wire in one piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_source.h"
#include "streams/coded_body.h"
#include "streams/poll.h"
#include "streams/scripted/decoder.h"
#include "streams/stream_body.h"

namespace tailgate::simulation {

// What a session gathers in a flush: what is referred to is read when the flush returns, not before.
class GatheringSink final : public ByteSink {
 public:
  void copy(std::string_view bytes) override {
    pieces_.push_back(Piece{std::string{bytes}, {}});
    last_was_ref_ = false;
  }
  void ref(std::string_view bytes) override {
    pieces_.push_back(Piece{{}, bytes});
    last_was_ref_ = true;
  }
  bool last_was_ref() const { return last_was_ref_; }
  std::string take() {
    std::string all;
    for (const Piece& piece : pieces_) all.append(piece.copied).append(piece.borrowed);
    pieces_.clear();
    return all;
  }

 private:
  struct Piece {
    std::string copied;
    std::string_view borrowed;
  };
  std::vector<Piece> pieces_;
  bool last_was_ref_ = false;
};

class Connection final : public Waker, private News::Waiter {
 public:
  Connection(std::size_t replica, std::size_t thread) : replica_{replica}, thread_{thread} {}

  // With a coding the wire carries what is compressed, and take() gives what a client reads in it.
  void open(Feed& feed, const Position& passed, const StreamBodyOptions& options, std::optional<Coding> coding) {
    auto stream = std::make_unique<StreamBody>(feed, passed, options);
    stream_ = stream.get();
    if (coding) {
      decoder_ = scripted::make_decoder(*coding);
      body_ = std::make_unique<CodedBody>(std::move(stream), *coding);
    } else {
      body_ = std::move(stream);
    }
    body_->set_waker(*this);
  }
  void open_poll(Feed& feed, const Position& passed, const PollOptions& options) {
    poll_ = std::make_unique<Poll>(feed, passed, options, [this](PollAnswer answer) {
      wire_ += answer.body + "\n";
      state_ = Pull::State::end;
      poll_.reset();
    });
  }
  // What it waits for is news: it has had all there is.
  bool is_live() const { return body_ ? stream_->is_live() : poll_ != nullptr; }
  std::size_t replica() const { return replica_; }
  std::size_t thread() const { return thread_; }
  void wake() override { is_woken_ = true; }
  void on_news() override { wake(); }
  bool is_woken() const { return body_ && is_woken_; }
  bool is_over() const { return state_ == Pull::State::end || state_ == Pull::State::cut; }
  bool was_cut() const { return state_ == Pull::State::cut; }

  // Pulls some bytes into the flush at hand; false: nothing more now.
  bool pull(std::size_t bytes_max) {
    if (!body_ || !is_woken_ || is_over()) return false;
    is_woken_ = false;
    const Pull pull = body_->prepare(bytes_max);
    state_ = pull.state;
    if (pull.state == Pull::State::wait_for_news) body_->news()->add(*this);
    if (pull.state != Pull::State::ready) return false;
    is_woken_ = true;
    is_too_much_ = is_too_much_ || pull.bytes == 0 || pull.bytes > bytes_max;
    body_->emit(pull.bytes, sink_);
    return true;
  }
  const GatheringSink& sink() const { return sink_; }
  void end_flush() { wire_ += sink_.take(); }
  // A source gave nothing, or more than was asked for.
  bool is_too_much() const { return is_too_much_; }

  bool is_inside_line() const { return !decoder_ && !wire_.empty() && wire_.back() != '\n'; }
  bool is_coded() const { return decoder_ != nullptr; }
  // What was taken does not decode, or its checksum is wrong, or a body that has ended is not whole.
  bool is_code_broken() const {
    const bool is_all = state_ == Pull::State::end && on_wire() == 0;
    return decoder_ && (decoder_->is_broken() || (is_all && !decoder_->is_whole()));
  }
  std::size_t on_wire() const { return wire_.size() - taken_; }
  std::string_view take(std::size_t bytes) {
    const std::string_view taken = std::string_view{wire_}.substr(taken_, bytes);
    taken_ += taken.size();
    if (!decoder_) return taken;
    read_ = decoder_->read(taken);
    return read_;
  }
  void forget_taken() {
    wire_.erase(0, taken_);
    taken_ = 0;
  }

 private:
  std::size_t replica_;
  std::size_t thread_;
  GatheringSink sink_;
  bool is_woken_ = true;
  bool is_too_much_ = false;
  Pull::State state_ = Pull::State::wait;
  std::string wire_;
  std::size_t taken_ = 0;
  std::unique_ptr<scripted::Decoder> decoder_;
  std::string read_;
  StreamBody* stream_ = nullptr;
  std::unique_ptr<ByteSource> body_;  // goes first: it may wake
  std::unique_ptr<Poll> poll_;
};

}  // namespace tailgate::simulation
