// What HTTP sessions allow and how long they wait; the configuration maps onto it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/http/client_address.h"

namespace tailgate {

struct HttpOptions {
  ClientAddressRules clients;

  // Time-outs, in milliseconds.
  std::int64_t tls_handshake_ms = 10'000;
  std::int64_t first_byte_ms = 10'000;    // of a new connection
  std::int64_t header_block_ms = 10'000;  // from its first byte to its last
  std::int64_t body_grace_ms = 10'000;    // in each such time a body comes at body_bytes_per_second_min, or ends
  std::int64_t idle_h1_ms = 60'000;       // between requests
  std::int64_t idle_h2_ms = 75'000;       // without a stream
  std::int64_t write_stall_ms = 30'000;   // the peer takes less than stall_bytes_per_second_min for so long: reset
  std::int64_t ping_after_ms = 30'000;    // HTTP/2, streams open, nothing heard
  std::int64_t ping_answer_ms = 15'000;
  std::int64_t settings_ack_ms = 10'000;
  std::int64_t linger_ms = 2'000;  // after the last answer: what the peer still sends is read and dropped

  std::uint64_t body_bytes_per_second_min = 1024;
  std::uint64_t stall_bytes_per_second_min = 256;

  // Sizes, in bytes.
  std::size_t target_bytes_max = 12 * 1024;
  // HTTP/1.1: as they stand; HTTP/2: names and values and 32 each (RFC 9113, 6.5.2).
  std::size_t fields_bytes_max = 16 * 1024;
  std::size_t fields_max = 100;
  std::size_t body_bytes_max = 1024 * 1024;
  std::size_t get_body_bytes_max = 64 * 1024;  // of a method that has no use for a body
  // What an io thread holds of bodies that are there in full: of requests, until a handler has them, and of answers,
  // until they are sent. Answers of up to kSmallAnswerBytes do not count.
  std::size_t bodies_bytes_max = std::size_t{128} << 20;
  std::size_t trailers_bytes_max = 4 * 1024;
  // What the kernel takes at once of a connection that it holds nothing of.
  std::size_t notsent_lowat_bytes = 32 * 1024;
  std::size_t behind_stream_bytes_max = 4 * 1024;  // HTTP/1.1: what may come while a stream is being answered

  std::size_t handshake_failures_per_second = 20;  // TLS; of one address; 0: no limit

  std::uint32_t h2_streams_max = 100;               // at a time
  std::uint32_t h2_streams_of_connection = 10'000;  // in its life; then GOAWAY
  std::uint32_t h2_stream_window = 65'535;          // for request bodies
  std::uint32_t h2_connection_window = 1024 * 1024;
};

// Bounds that shape the code and are no settings.
inline constexpr std::size_t kReadBytes = 16 * 1024;         // a read, and so what is parsed in a turn
inline constexpr std::size_t kStreamFrameBytes = 16 * 1024;  // of a stream framed at a time
inline constexpr std::size_t kTurnBytes = 64 * 1024;         // of a connection framed and sent in a turn
inline constexpr int kRequestsATurn = 32;
inline constexpr std::size_t kSmallAnswerBytes = 4 * 1024;

}  // namespace tailgate
