// A connection's bytes in and out, whether clear, TLS or in memory: what sessions are run over.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip_address.h"

namespace tailgate {

struct IoResult {
  enum class State : std::uint8_t {
    done,         // `bytes` > 0 were moved (or the handshake is complete)
    blocked,      // nothing now; ask to be told when it is worth trying again
    closed,       // the peer has sent its last byte
    failed,       // nothing more can be done with this connection
    foreign,      // the same, because the peer speaks something else: clear text to TLS; it has been told
    unannounced,  // the same, because the header is missing or wrong that its proxy has to send first
  };
  State state = State::blocked;
  std::size_t bytes = 0;
};

// Threads: one io thread. Nothing here calls back from within a call.
class Transport {
 public:
  // Told once for each wait_…(), never after the transport is destroyed. May destroy the transport.
  class User {
   public:
    virtual void on_readable() = 0;
    virtual void on_writable() = 0;

   protected:
    ~User() = default;
  };

  virtual ~Transport() = default;
  virtual void set_user(User& user) = 0;

  // To be repeated, after on_readable or on_writable, until it is done. When blocked, it has asked for what it waits
  // for.
  virtual IoResult handshake() = 0;
  virtual IoResult read(std::span<char> into) = 0;
  // Takes as much from the front as goes. After `blocked` or a partial `done` the same bytes must come first again
  // (TLS).
  virtual IoResult write(std::span<const iovec> from) = 0;
  // The kernel holds nothing that waits to be sent: it takes `notsent_lowat` bytes at least of the next write.
  virtual bool is_drained() const = 0;
  // One shot; asking again while waiting changes nothing.
  virtual void wait_readable() = 0;
  virtual void wait_writable() = 0;
  // No more will be written: the peer reads an end, and what it sent before is not lost to a reset.
  virtual void finish_writing() = 0;
  // The peer is to see a reset instead of an end when the transport is destroyed; what the kernel still holds is
  // dropped.
  virtual void reset_on_close() = 0;
  // The protocol that the handshake agreed on; "" when none was.
  virtual std::string_view protocol() const = 0;
  // After the handshake: whose connection it is, where a proxy has said so.
  virtual std::optional<IpAddress> announced() const { return std::nullopt; }
};

}  // namespace tailgate
