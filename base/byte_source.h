// The contract between what makes bytes (a subscriber) and what sends them (a session): the session pulls.
//
// Back-pressure is the absence of a call. All of one pair lives on one io thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/news.h"

namespace tailgate {

// Where a session gathers one write.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes a copy.
  virtual void copy(std::string_view bytes) = 0;
  // Takes the address: the bytes stay where they are until the session's current flush has returned. (Within a flush
  // nothing but sessions and sources runs on the thread, so a source may hand out what it drops no earlier than on the
  // next event.)
  virtual void ref(std::string_view bytes) = 0;
};

// Told that a source which answered `wait` has something again. Cheap; may be called any number of times.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() = 0;
};

struct Pull {
  enum class State : std::uint8_t {
    ready,          // `bytes` > 0 can be emitted
    wait,           // nothing now; the waker will be called
    wait_for_news,  // nothing before there are news(), unless the waker is called
    end,            // the body is complete
    cut,            // the body cannot be completed: reset the stream, close the connection
  };
  State state = State::wait;
  std::size_t bytes = 0;
  bool waits() const { return state == State::wait || state == State::wait_for_news; }
};

// A response body that is made while it is sent. Its session owns it; destruction means that nobody reads on.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // How much could go out now, at most `bytes_max` (> 0). What is ready stays ready until emitted.
  virtual Pull prepare(std::size_t bytes_max) = 0;
  // Follows a `ready` at once, with exactly its `bytes`.
  virtual void emit(std::size_t bytes, ByteSink& sink) = 0;
  // Called once before the first prepare. The waker outlives the source.
  virtual void set_waker(Waker& waker) = 0;
  // What it may wait for together with others: the same all its life. Null: it never does.
  virtual News* news() { return nullptr; }
};

}  // namespace tailgate
