// What the connections of one io thread have seen, for the metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tailgate {

// Threads: one writes, any read.
template <class Kind>
class CounterSet {
 public:
  void add(Kind kind, std::int64_t by = 1) { slot(kind).fetch_add(by, std::memory_order_relaxed); }
  std::int64_t get(Kind kind) const { return slots_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t>& slot(Kind kind) { return slots_[static_cast<std::size_t>(kind)]; }
  std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(Kind::count_)> slots_{};
};

enum class OpenGauge : std::uint8_t { connections_new, connections_h1, connections_h2, streams, count_ };

enum class HttpEvent : std::uint8_t {
  connection_h1,  // a connection turned out to speak it
  connection_h2,
  refused_full,          // told that there are too many connections
  refused_address_full,  // told that there are too many of its address
  bad_h1_framing,        // 400 and such, then closed
  bad_h1_body,
  bad_h2_frame,   // a connection error
  bad_h2_stream,  // a stream error: what the client sent breaks RFC 9113, 8
  too_large,      // 413, 414, 431
  no_room,        // 503: bodies hold all that they may
  tls_failed,
  refused_handshake,  // of an address that fails too many
  clear_on_tls,       // cleartext came to an https listener
  bad_proxy_header,   // a trusted proxy did not say, or not well, whose connection it is
  timeout_handshake,
  timeout_first_byte,
  timeout_head,
  timeout_body,
  timeout_idle,
  timeout_ping,
  timeout_settings,
  stalled_connection,  // reset because the peer took nothing
  stalled_stream,
  too_much_behind_stream,
  streams_used_up,     // GOAWAY after as many streams as a connection may have
  reset_at_drain_end,  // connections whose peers did not take the end of their streams in time
  body_bytes_sent,
  count_,
};

constexpr std::array<std::string_view, static_cast<std::size_t>(HttpEvent::count_)> kHttpEventNames{
    "connection_h1",     "connection_h2",
    "refused_full",      "refused_address_full",
    "bad_h1_framing",    "bad_h1_body",
    "bad_h2_frame",      "bad_h2_stream",
    "too_large",         "no_room",
    "tls_failed",        "refused_handshake",
    "clear_on_tls",      "bad_proxy_header",
    "timeout_handshake", "timeout_first_byte",
    "timeout_head",      "timeout_body",
    "timeout_idle",      "timeout_ping",
    "timeout_settings",  "stalled_connection",
    "stalled_stream",    "too_much_behind_stream",
    "streams_used_up",   "reset_at_drain_end",
    "body_bytes_sent",
};

struct alignas(64) HttpCounters {
  CounterSet<OpenGauge> open;
  CounterSet<HttpEvent> events;
};

}  // namespace tailgate
