// The part of a connection that speaks a protocol, without any I/O: bytes in by receive(), bytes out by fill().
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "limits/connection_limit.h"
#include "server/http/gather.h"
#include "server/http/observer.h"
#include "server/net/handshake_budget.h"
#include "server/net/listen_address.h"

namespace tailgate {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct ConnectionInfo {
  IpAddress peer;  // the other end, or whom its proxy has announced
  Scheme scheme = Scheme::http;
  ConnectionLimit::Verdict verdict = ConnectionLimit::Verdict::admitted;
  HandshakeBudget* handshakes = nullptr;  // what TLS handshakes that fail are counted in
};

// The connection, as its session sees it.
class SessionHost {
 public:
  // There is something to fill() again. Cheap, any number of times, never calls back.
  virtual void wake() = 0;
  virtual const ConnectionInfo& info() const = 0;
  // How much to fill at a time so that no more than kStreamFrameBytes of it stay here when the peer takes nothing more.
  virtual std::size_t write_bytes_max() const = 0;

 protected:
  ~SessionHost() = default;
};

// Threads: its io thread. Never calls its host but for wake() and what is const, so that the host alone decides when it
// dies.
class Session {
 public:
  enum class Life : std::uint8_t {
    open,
    finish,  // close once all that was filled is sent
    reset,   // close at once; the peer sees a reset
  };

  virtual ~Session() = default;
  // What has come, in order. The bytes are not looked at after the call.
  virtual void receive(std::string_view bytes) = 0;
  // The peer has sent its last byte.
  virtual void receive_end() = 0;
  // Whether to read on, when the socket takes what we write (or when it is blocked).
  virtual bool wants_input(bool is_output_blocked) const = 0;
  // Gathers what can go out now, about kTurnBytes at most. True: ask again when this is sent, there may be more.
  virtual bool fill(Gather& gather) = 0;
  virtual Life life() const = 0;
  // When on_time is to be called, on the loop's clock; kNever if it need not be.
  virtual std::int64_t deadline_ms() const = 0;
  // May be called early.
  virtual void on_time(std::int64_t now_ms, bool is_output_blocked) = 0;
  // Take nothing new, end what rests, and then finish.
  virtual void drain() = 0;
  // The connection is gone: why the exchanges under way have ended. Called once, before destruction.
  virtual void abandon(WhyEnded why) = 0;
};

}  // namespace tailgate
