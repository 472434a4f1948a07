#include "bench/load_connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

namespace tailgate::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::int32_t kStreamWindow = 1 << 20;
constexpr std::int32_t kConnectionWindow = 1 << 26;

std::array<char, kReadBytes>& read_buffer() {
  static std::array<char, kReadBytes> buffer;
  return buffer;
}

sockaddr_in address_of(std::uint32_t host_order, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host_order);
  address.sin_port = htons(port);
  return address;
}

// A number of [0, range) that looks random and is the same in every run.
std::uint64_t scattered(std::uint64_t number, std::uint64_t range) {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return (number ^ (number >> 31)) % range;
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  auto* name_bytes = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  auto* value_bytes = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  return {name_bytes, value_bytes, name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

struct LoadConnection::Callbacks {
  static Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    const std::string_view field{reinterpret_cast<const char*>(name), name_size};
    if (field != ":status") return 0;
    if (auto* stream = stream_of(session, frame->hd.stream_id)) {
      static_cast<LoadConnection*>(user)->mark(
          *stream, std::atoi(std::string{reinterpret_cast<const char*>(value), value_size}.c_str()));
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    if (auto* stream = stream_of(session, id)) {
      stream->load.take_body({reinterpret_cast<const char*>(data), size});
      static_cast<LoadConnection*>(user)->settle(*stream);
    }
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* user) {
    auto* stream = stream_of(session, id);
    if (stream != nullptr && !stream->is_complete) static_cast<LoadConnection*>(user)->is_broken_ = true;
    return 0;
  }
};

LoadConnection::LoadConnection(const LoadOptions& options, Tally& tally, SSL_CTX* tls, std::uint32_t source,
                               std::uint32_t number)
    : options_{options}, tally_{tally}, number_{number} {
  const auto count = std::max<std::uint32_t>(options.streams, 1);
  streams_.reserve(count);  // nghttp2 keeps their addresses
  for (std::uint32_t i = 0; i < count; ++i) {
    streams_.push_back({LoadStream{tally, options.records, options.until_sequence, options.coding}});
  }
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    is_broken_ = true;
    return;
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto from = address_of(source, 0);
  sockaddr_in to = address_of(0, options.port);
  if (inet_pton(AF_INET, options.host.c_str(), &to.sin_addr) != 1 ||
      bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)) {
    is_broken_ = true;
    return;
  }
  if (tls != nullptr) {
    tls_.reset(SSL_new(tls));
    SSL_set_fd(tls_.get(), fd_);
    SSL_set_connect_state(tls_.get());
    is_handshaking_ = true;
  }
}

LoadConnection::~LoadConnection() {
  if (fd_ >= 0) close(fd_);
}

bool LoadConnection::on_writable() { return advance(); }

bool LoadConnection::advance() {
  if (is_broken_) return false;
  if (is_connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return false;
    is_connecting_ = false;
    if (!is_handshaking_) submit_requests();
  }
  if (is_handshaking_) {
    const int result = SSL_do_handshake(tls_.get());
    if (result != 1) {
      const int error = SSL_get_error(tls_.get(), result);
      tls_wants_write_ = error == SSL_ERROR_WANT_WRITE;
      return tls_wants_write_ || error == SSL_ERROR_WANT_READ;
    }
    is_handshaking_ = tls_wants_write_ = false;
    submit_requests();
  }
  return flush();
}

void LoadConnection::submit_requests() {
  if (options_.streams == 0) {
    send_h1_request();
    return;
  }
  CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del> callbacks{[] {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    return made;
  }()};
  nghttp2_session_callbacks_set_on_header_callback(callbacks.get(), &Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks.get(), &Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks.get(), &Callbacks::on_close);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, callbacks.get(), this);
  h2_.reset(session);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow}, {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto path = target(i);
    const std::array<nghttp2_nv, 6> head{header(":method", "GET"),
                                         header(":scheme", options_.tls ? "https" : "http"),
                                         header(":authority", options_.host),
                                         header(":path", path),
                                         header("accept", options_.accept),
                                         header("accept-encoding", name_of(options_.coding.value_or(Coding::gzip)))};
    const std::size_t fields = head.size() - (options_.coding ? 0 : 1);
    streams_[i].id = nghttp2_submit_request(session, nullptr, head.data(), fields, nullptr, &streams_[i]);
  }
}

void LoadConnection::send_h1_request() {
  out_ += "GET " + target(0) + " HTTP/1.1\r\nHost: " + options_.host + "\r\nAccept: " + options_.accept + "\r\n";
  if (options_.coding) out_ += "Accept-Encoding: " + std::string{name_of(*options_.coding)} + "\r\n";
  // How nchan's long poll says where it stands.
  if (!response_.last_modified().empty()) out_ += "If-Modified-Since: " + response_.last_modified() + "\r\n";
  if (!response_.etag().empty()) out_ += "If-None-Match: " + response_.etag() + "\r\n";
  out_ += "\r\n";
  response_ = ResponseReader{};
}

std::string LoadConnection::target(std::size_t stream_index) const {
  auto path = options_.path;
  if (const auto at = path.find("{n}"); at != std::string::npos) {
    const auto range = static_cast<std::uint64_t>(options_.random_high - options_.random_low + 1);
    const auto n = options_.random_low + static_cast<std::int64_t>(scattered(number_ + stream_index, range));
    path.replace(at, 3, std::to_string(n));
  }
  if (const auto at = path.find("{i}"); at != std::string::npos) {
    path.replace(at, 3, std::to_string(number_ * std::max(1U, options_.streams) + stream_index));
  }
  constexpr std::string_view kNext = "\"next\":\"";
  if (const auto at = poll_body_.rfind(kNext); at != std::string::npos) {
    const auto from = at + kNext.size();
    path += path.find('?') == std::string::npos ? "?from=" : "&from=";
    path += poll_body_.substr(from, poll_body_.find('"', from) - from);
  }
  return path;
}

bool LoadConnection::flush() {
  if (h2_) {
    while (out_.size() < kReadBytes) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(h2_.get(), &bytes);
      if (size < 0) return false;
      if (size == 0) break;
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
  }
  tls_wants_write_ = false;
  while (!out_.empty()) {
    ssize_t sent = 0;
    if (tls_) {
      sent = SSL_write(tls_.get(), out_.data(), static_cast<int>(out_.size()));
      if (sent <= 0) return SSL_get_error(tls_.get(), static_cast<int>(sent)) == SSL_ERROR_WANT_WRITE;
    } else {
      sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
    }
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  const bool waits_for_head = options_.mode != LoadMode::stall && options_.mode != LoadMode::poll;
  if (!waits_for_head && open_streams_ == 0 && !is_connecting_ && !is_handshaking_) {
    for (auto& stream : streams_) stream.is_open = true;
    open_streams_ = streams();
  }
  return true;
}

bool LoadConnection::on_readable(std::size_t bytes_max) {
  if (is_connecting_ || is_handshaking_) return advance();
  auto& buffer = read_buffer();
  while (bytes_max > 0) {
    const auto wanted = std::min(bytes_max, buffer.size());
    ssize_t got = 0;
    if (tls_) {
      got = SSL_read(tls_.get(), buffer.data(), static_cast<int>(wanted));
      if (got <= 0) {
        if (SSL_get_error(tls_.get(), static_cast<int>(got)) != SSL_ERROR_WANT_READ) return false;
        break;
      }
    } else {
      got = recv(fd_, buffer.data(), wanted, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got <= 0) return false;
    }
    tally_.now_ns = realtime_ns();
    take({buffer.data(), static_cast<std::size_t>(got)});
    if (is_broken_) return false;
    bytes_max -= static_cast<std::size_t>(got);
    if (!tls_) break;  // what is left makes the socket readable again; TLS may hold decrypted bytes back
  }
  return flush();
}

void LoadConnection::take(std::string_view bytes) {
  if (tally_.is_measuring) tally_.bytes += bytes.size();
  if (!h2_) {
    take_h1(bytes);
  } else if (nghttp2_session_mem_recv(h2_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) <
             0) {
    is_broken_ = true;
  }
}

void LoadConnection::take_h1(std::string_view bytes) {
  auto& stream = streams_.front();
  const bool is_poll = options_.mode == LoadMode::poll;
  response_.feed(bytes, [&](std::string_view body) {
    stream.load.take_body(body);
    if (is_poll) poll_body_ += body;
  });
  if (response_.has_head()) mark(stream, response_.status());
  settle(stream);
  if (!response_.is_done()) return;
  if (!is_poll) {
    is_broken_ = !stream.is_complete;
    return;
  }
  ++polls_;
  send_h1_request();
  poll_body_.clear();
}

void LoadConnection::mark(Stream& stream, int status) {
  if (!stream.is_open) ++open_streams_;
  stream.is_open = true;
  if (status != 200 && status != 304) bad_status_ = status;
}

void LoadConnection::settle(Stream& stream) {
  if (stream.is_complete || !stream.load.is_complete()) return;
  stream.is_complete = true;
  ++complete_streams_;
}

}  // namespace tailgate::bench
