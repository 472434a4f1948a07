// For tests: an HTTP/2 client that writes its frames by hand, right or wrong.
#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "server/http/test_socket.h"

namespace tailgate::testing {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

namespace h2 {

inline constexpr std::uint8_t kData = 0, kHeaders = 1, kPriority = 2, kRst = 3, kSettings = 4, kPushPromise = 5,
                              kPing = 6, kGoaway = 7, kWindowUpdate = 8, kContinuation = 9;
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;

inline std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    text += static_cast<char>(value >> static_cast<unsigned>(shift));
  return text;
}

inline std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = "") {
  return number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) + std::string{payload};
}

inline std::string setting(std::uint16_t id, std::uint32_t value) { return number(id, 2) + number(value, 4); }

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  std::uint64_t error_code() const { return number_of(std::string_view{payload}.substr(type == kGoaway ? 4 : 0, 4)); }
};

}  // namespace h2

using Fields = std::vector<std::pair<std::string, std::string>>;

class TestH2 {
 public:
  // Sends the preface and SETTINGS, unless told not to.
  explicit TestH2(std::uint16_t port, std::string_view settings = "", bool begins = true, int receive_buffer = 0)
      : socket{port, receive_buffer} {
    nghttp2_hd_deflater* deflater = nullptr;
    nghttp2_hd_deflate_new(&deflater, 4096);
    deflater_.reset(deflater);
    nghttp2_hd_inflater* inflater = nullptr;
    nghttp2_hd_inflate_new(&inflater);
    inflater_.reset(inflater);
    if (begins) socket.send(std::string{kPreface} + h2::frame(h2::kSettings, 0, 0, settings));
  }

  static Fields request(std::string_view method, std::string_view path, const Fields& more = {}) {
    Fields fields{
        {":method", std::string{method}}, {":scheme", "http"}, {":authority", "here"}, {":path", std::string{path}}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  }

  std::string deflate(const Fields& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size()), '\0');
    const ssize_t size = nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<std::uint8_t*>(block.data()),
                                               block.size(), list.data(), list.size());
    block.resize(static_cast<std::size_t>(size));
    return block;
  }

  bool send(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = "") {
    return socket.send(h2::frame(type, flags, stream, payload));
  }
  // A request without a body, with its fields in as many frames as they need.
  bool ask(std::uint32_t stream, const Fields& fields, std::uint8_t flags = h2::kEndStream) {
    std::string block = deflate(fields);
    std::string frames;
    std::uint8_t type = h2::kHeaders;
    do {
      const std::string part = block.substr(0, 16384);
      block.erase(0, part.size());
      const auto end = static_cast<std::uint8_t>(block.empty() ? h2::kEndHeaders : 0);
      frames += h2::frame(type, static_cast<std::uint8_t>(end | (type == h2::kHeaders ? flags : 0)), stream, part);
      type = h2::kContinuation;
    } while (!block.empty());
    return socket.send(frames);
  }
  bool get(std::uint32_t stream, std::string_view path, const Fields& more = {}) {
    return ask(stream, request("GET", path, more));
  }

  // The next frame; nothing at the end of the connection or when none came in time. SETTINGS are acknowledged on the
  // way.
  std::optional<h2::Frame> next(std::chrono::milliseconds time = std::chrono::seconds{10}) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
      if (buffer_.size() >= 9) {
        const std::size_t size = h2::number_of(std::string_view{buffer_}.substr(0, 3));
        if (buffer_.size() >= 9 + size) {
          h2::Frame frame{static_cast<std::uint8_t>(buffer_[3]), static_cast<std::uint8_t>(buffer_[4]),
                          static_cast<std::uint32_t>(h2::number_of(std::string_view{buffer_}.substr(5, 4))),
                          buffer_.substr(9, size)};
          buffer_.erase(0, 9 + size);
          if (frame.type == h2::kSettings && frame.flags == 0 && acknowledges) send(h2::kSettings, h2::kAck, 0);
          return frame;
        }
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return std::nullopt;
      const auto more = socket.receive(left);
      if (!more) return std::nullopt;
      if (more->empty()) {
        has_ended = true;
        return std::nullopt;
      }
      buffer_ += *more;
    }
  }

  // The next frame of that type.
  std::optional<h2::Frame> next_of(std::uint8_t type, std::chrono::milliseconds time = std::chrono::seconds{10}) {
    while (auto frame = next(time)) {
      if (frame->type == type) return frame;
    }
    return std::nullopt;
  }

  struct Answer {
    int status = 0;
    std::map<std::string, std::string> fields;
    std::string body;
    bool is_complete = false;
    std::optional<std::uint64_t> reset;
  };

  // Reads until that stream has ended. Frames of others are lost. Gives windows back as it reads.
  Answer answer(std::uint32_t stream, std::chrono::milliseconds time = std::chrono::seconds{10}) {
    Answer result;
    while (!result.is_complete && !result.reset) {
      const auto frame = next(time);
      if (!frame) break;
      if (frame->type == h2::kHeaders) {
        const Fields fields = inflate(frame->payload);
        if (frame->stream == stream) {
          for (const auto& [name, value] : fields) result.fields[name] = value;
          result.status = std::atoi(result.fields[":status"].c_str());
        }
      }
      if (frame->stream != stream) continue;
      if (frame->type == h2::kRst) result.reset = frame->error_code();
      if (frame->type == h2::kData) {
        result.body += frame->payload;
        if (!frame->payload.empty()) {
          const std::string back = h2::number(frame->payload.size(), 4);
          socket.send(h2::frame(h2::kWindowUpdate, 0, 0, back) + h2::frame(h2::kWindowUpdate, 0, stream, back));
        }
      }
      const bool may_end = frame->type == h2::kData || frame->type == h2::kHeaders;
      result.is_complete = may_end && (frame->flags & h2::kEndStream) != 0;
    }
    return result;
  }

  Fields inflate(std::string_view block) {
    Fields fields;
    auto* in = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, in, left, 1);
      if (used < 0) return {};
      in += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(std::string{reinterpret_cast<const char*>(field.name), field.namelen},
                            std::string{reinterpret_cast<const char*>(field.value), field.valuelen});
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater_.get());
        return fields;
      }
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) return fields;
    }
  }

  TestSocket socket;
  bool acknowledges = true;
  bool has_ended = false;

 private:
  CHandle<nghttp2_hd_deflater, nghttp2_hd_deflate_del> deflater_;
  CHandle<nghttp2_hd_inflater, nghttp2_hd_inflate_del> inflater_;
  std::string buffer_;
};

}  // namespace tailgate::testing
