// One connection of the load client: HTTP/1.1 with one stream, or HTTP/2 with many, over TCP or TLS.
#pragma once

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/c_handle.h"
#include "bench/load_options.h"
#include "bench/load_stream.h"
#include "bench/response_reader.h"

namespace tailgate::bench {

class LoadConnection {
 public:
  // Connects, non-blocking, from `source` (an IPv4 address in host order). `tls` may be null. `number` is its first
  // stream's.
  LoadConnection(const LoadOptions& options, Tally& tally, SSL_CTX* tls, std::uint32_t source, std::uint32_t number);
  LoadConnection(const LoadConnection&) = delete;
  LoadConnection& operator=(const LoadConnection&) = delete;
  ~LoadConnection();

  int fd() const { return fd_; }
  // Both move whatever can be moved: connect, handshake, requests; then reading at most `bytes_max`. False: the
  // connection is over.
  bool on_writable();
  bool on_readable(std::size_t bytes_max);
  bool wants_write() const { return is_connecting_ || !out_.empty() || tls_wants_write_; }

  // Streams whose response has begun (when stalling and polling: whose request was sent); streams that are complete.
  std::uint32_t open_streams() const { return open_streams_; }
  std::uint32_t complete_streams() const { return complete_streams_; }
  std::uint32_t streams() const { return static_cast<std::uint32_t>(streams_.size()); }
  std::uint64_t polls() const { return polls_; }
  int bad_status() const { return bad_status_; }  // the last one that was not 200; 0: none

 private:
  struct Stream {
    LoadStream load;
    std::int32_t id = 0;
    bool is_open = false;
    bool is_complete = false;
  };
  struct Callbacks;

  bool advance();
  bool flush();
  void submit_requests();
  void send_h1_request();
  void take(std::string_view bytes);
  void take_h1(std::string_view bytes);
  void mark(Stream& stream, int status);
  void settle(Stream& stream);
  std::string target(std::size_t stream_index) const;

  const LoadOptions& options_;
  Tally& tally_;
  std::uint32_t number_;
  int fd_ = -1;
  bool is_connecting_ = true;
  bool is_handshaking_ = false;
  bool tls_wants_write_ = false;
  bool is_broken_ = false;
  CHandle<SSL, SSL_free> tls_;
  CHandle<nghttp2_session, nghttp2_session_del> h2_;
  std::vector<Stream> streams_;
  ResponseReader response_;  // HTTP/1.1
  std::string poll_body_;
  std::string out_;
  std::uint32_t open_streams_ = 0;
  std::uint32_t complete_streams_ = 0;
  std::uint64_t polls_ = 0;
  int bad_status_ = 0;
};

}  // namespace tailgate::bench
