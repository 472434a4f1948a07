#include <nghttp2/nghttp2.h>

#include <array>
#include <charconv>
#include <vector>

#include "base/c_handle.h"
#include "tests/ledger/wire.h"

namespace tailgate::ledger {

namespace {

using Session = CHandle<nghttp2_session, nghttp2_session_del>;
using SessionCallbacks = CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del>;

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(
        reinterpret_cast<const std::uint8_t*>(text.data()));  // nghttp2 copies; its type is not const
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

class Http2Wire final : public Wire {
 public:
  Http2Wire() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    const SessionCallbacks callbacks{made};
    nghttp2_session_callbacks_set_on_header_callback(callbacks.get(), on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks.get(), on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks.get(), on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks.get(), on_close);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks.get(), this);
    session_.reset(session);
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  void request(const WireRequest& request) override {
    std::vector<nghttp2_nv> fields{field(":method", "GET"), field(":scheme", "http"),
                                   field(":authority", request.authority), field(":path", request.target),
                                   field("accept", request.accept)};
    if (!request.accept_encoding.empty()) fields.push_back(field("accept-encoding", request.accept_encoding));
    if (!request.last_event_id.empty()) fields.push_back(field("last-event-id", request.last_event_id));
    fields_.clear();
    is_ended_ = false;
    nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), nullptr, nullptr);
  }

  bool feed(std::string_view bytes, WireEvents& events) override {
    events_ = &events;
    const auto taken =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    events_ = nullptr;
    return taken == static_cast<ssize_t>(bytes.size()) && !was_reset_;
  }

  std::string take_output() override {
    std::string output;
    for (;;) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) return output;
      output.append(text(bytes, static_cast<std::size_t>(size)));
    }
  }

  bool is_reusable() const override { return is_ended_ && !is_going_away_; }

 private:
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    static_cast<Http2Wire*>(self)->fields_[std::string{text(name, name_size)}] = text(value, value_size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto& wire = *static_cast<Http2Wire*>(self);
    if (frame->hd.type == NGHTTP2_GOAWAY) wire.is_going_away_ = true;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_RESPONSE) {
      int status = 0;
      const auto& digits = wire.fields_[":status"];
      std::from_chars(digits.data(), digits.data() + digits.size(), status);
      wire.events_->on_head(status, wire.fields_);
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
                     void* self) {
    static_cast<Http2Wire*>(self)->events_->on_body(text(data, size));
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t error_code, void* self) {
    auto& wire = *static_cast<Http2Wire*>(self);
    if (error_code != NGHTTP2_NO_ERROR) {
      wire.was_reset_ = true;
      return 0;
    }
    wire.is_ended_ = true;
    wire.events_->on_end();
    return 0;
  }

  Session session_;
  WireEvents* events_ = nullptr;
  std::map<std::string, std::string> fields_;
  bool was_reset_ = false;
  bool is_ended_ = false;
  bool is_going_away_ = false;
};

}  // namespace

std::unique_ptr<Wire> make_http2_wire() { return std::make_unique<Http2Wire>(); }

}  // namespace tailgate::ledger
