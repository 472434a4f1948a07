// One HTTP/2 connection (RFC 9113): libnghttp2 for requests, HPACK and all frames but those that H2Bodies has, DATA
// that is sent and WINDOW_UPDATE that comes; one gathered write.
//
// libnghttp2's callbacks only note what has happened; fill() acts on it. Memory: 11 KB a connection, 9 of them
// libnghttp2's: itself, the index of its streams, and header tables.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>

#include "base/c_handle.h"
#include "server/http/h2_bodies.h"
#include "server/http/h2_frame_scan.h"
#include "server/http/h2_stream.h"
#include "server/http/http_thread.h"
#include "server/http/session.h"

namespace tailgate {

class H2Session final : public Session, private H2Bodies::Owner {
 public:
  H2Session(HttpThread& thread, SessionHost& host);
  ~H2Session() override;

  void receive(std::string_view bytes) override;
  void receive_end() override;
  // libnghttp2 acts against floods only while its output is pulled.
  bool wants_input(bool is_output_blocked) const override { return !is_output_blocked && !is_over_ && !has_ended_; }
  bool fill(Gather& gather) override;
  Life life() const override { return life_; }
  std::int64_t deadline_ms() const override;
  void on_time(std::int64_t now_ms, bool is_output_blocked) override;
  void drain() override;
  void abandon(WhyEnded why) override;

  // The stream has been answered or completed: fill() is to look at it.
  void add_work(H2Stream& stream);
  // Its source may have something.
  void on_body_news(H2Stream& stream);

 private:
  struct Callbacks;  // of libnghttp2
  using Handle = CHandle<nghttp2_session, nghttp2_session_del>;

  void on_body_over(H2Stream& stream, WhyEnded why) override;
  void on_bodies_news() override { host_.wake(); }
  void submit_settings();
  void submit_continue(std::int32_t id);
  void work_on(H2Stream& stream);
  void handle_request(H2Stream& stream);
  void answer(H2Stream& stream);
  void reset_stream(H2Stream& stream, std::uint32_t code, WhyEnded why);
  // A GOAWAY that names no stream, and the one that does when what was on its way has arrived.
  void go_away(std::int64_t gap_ms);
  void terminate(std::uint32_t code);
  void close_stream(H2Stream& stream);
  void check_frame(const H2FrameHeader& frame);
  bool take_update(const H2FrameHeader& frame);
  void take_settings();
  void pull_frames(Gather& gather, std::size_t bytes_max);
  void check_bodies(std::int64_t now_ms, std::int64_t passed_ms, bool is_output_blocked);

  HttpThread& thread_;
  SessionHost& host_;
  Handle handle_;
  H2Streams streams_;
  H2Work work_;
  H2Bodies bodies_;
  H2FrameScan scan_;
  std::int64_t start_ms_;
  std::int64_t heard_ms_;            // when something last came
  std::int64_t idle_since_ms_;       // when the last stream ended
  std::int64_t head_since_ms_ = 0;   // when a header block began that has not ended; 0: none
  std::int64_t ping_ms_ = 0;         // when a PING was sent that nothing has come after; 0: none
  std::int64_t checked_ms_;          // when windows and bodies were last looked at
  std::int64_t last_goaway_ms_ = 0;  // when the second GOAWAY of a drain is due; 0: not draining
  std::uint32_t streams_begun_ = 0;
  std::uint32_t unfinished_requests_ = 0;                              // that no handler has
  std::int32_t goaway_id_ = std::numeric_limits<std::int32_t>::max();  // of the GOAWAY that was sent
  std::int32_t last_id_ = 0;                                           // the highest that the client has used
  std::uint32_t ids_seen_ = 0;                                         // how many it has used
  std::array<std::int32_t, 128> reset_ids_{};                          // the last that we have reset
  std::uint32_t resets_ = 0;
  Life life_ = Life::open;
  bool has_settings_ack_ = false;
  bool is_over_ = false;    // nothing more is read
  bool has_ended_ = false;  // the peer's last byte has come
  bool is_unsent_ = false;  // the frame that libnghttp2 hands out is not for the peer
};

}  // namespace tailgate
