// For tests and fuzzing: a transport without sockets, whose peer is the test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "server/net/transport.h"

namespace tailgate::testing {

// The peer's side of a MemoryTransport; outlives it.
struct MemoryPeer {
  std::string to_read;                                           // what the peer has sent and was not read
  bool has_ended = false;                                        // the peer will send no more
  std::size_t window = std::numeric_limits<std::size_t>::max();  // how much the peer takes
  bool is_drained = true;                                        // what the transport says of the kernel between
  std::string written;                                           // what was sent to it
  std::size_t writes = 0;                                        // in so many calls
  Transport::User* user = nullptr;                               // null once the transport is gone
  bool waits_readable = false;
  bool waits_writable = false;
  bool was_finished = false;
  bool was_reset = false;

  // Runs what has become due; true when there was something.
  bool turn() {
    if (user != nullptr && waits_readable && (!to_read.empty() || has_ended)) {
      waits_readable = false;
      user->on_readable();
      return true;
    }
    if (user != nullptr && waits_writable && window > 0) {
      waits_writable = false;
      user->on_writable();
      return true;
    }
    return false;
  }
};

class MemoryTransport final : public Transport {
 public:
  explicit MemoryTransport(MemoryPeer& peer) : peer_{peer} {}
  ~MemoryTransport() override { peer_.user = nullptr; }

  void set_user(User& user) override { peer_.user = &user; }
  IoResult handshake() override { return {IoResult::State::done, 0}; }
  IoResult read(std::span<char> into) override {
    const std::size_t bytes = std::min(into.size(), peer_.to_read.size());
    if (bytes == 0) return {peer_.has_ended ? IoResult::State::closed : IoResult::State::blocked, 0};
    peer_.to_read.copy(into.data(), bytes);
    peer_.to_read.erase(0, bytes);
    return {IoResult::State::done, bytes};
  }
  IoResult write(std::span<const iovec> from) override {
    std::size_t written = 0;
    ++peer_.writes;
    for (const iovec& piece : from) {
      const std::size_t bytes = std::min(piece.iov_len, peer_.window);
      peer_.written.append(static_cast<const char*>(piece.iov_base), bytes);
      peer_.window -= bytes;
      written += bytes;
    }
    return {written > 0 ? IoResult::State::done : IoResult::State::blocked, written};
  }
  bool is_drained() const override { return peer_.is_drained; }
  void wait_readable() override { peer_.waits_readable = true; }
  void wait_writable() override { peer_.waits_writable = true; }
  void finish_writing() override { peer_.was_finished = true; }
  void reset_on_close() override { peer_.was_reset = true; }
  std::string_view protocol() const override { return {}; }

 private:
  MemoryPeer& peer_;
};

}  // namespace tailgate::testing
