// The bodies of the answers of one HTTP/2 connection: its streams take turns, a frame each, within the windows that the
// peer gives (RFC 9113, 5.2 and 6.9).
//
// DATA is framed here and passes libnghttp2 by, which costs more than all the rest of an event: it never sees a body,
// nor what the peer says of windows.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <map>

#include "base/news.h"
#include "server/http/gather.h"
#include "server/http/h2_stream.h"
#include "server/http/h2_window.h"
#include "server/http/http_thread.h"
#include "server/http/stall_clock.h"

namespace tailgate {

class H2Bodies;

// The streams of a connection that wait for the same news: an event that is for all of them visits each only once, to
// send it.
struct H2Crowd final : News::Waiter {
  H2Crowd(H2Bodies& bodies_in, News& news_in) : bodies{bodies_in}, news{news_in} {}
  void on_news() override;

  H2Bodies& bodies;
  News& news;
  H2Work waiting;
  std::uint32_t streams = 0;  // that have it for their crowd
};

// Threads: its io thread.
class H2Bodies {
 public:
  class Owner {
   public:
    // The body has ended with END_STREAM (WhyEnded::complete), or is to end short of it: stops the stream, and does not
    // destroy it before the caller has returned.
    virtual void on_body_over(H2Stream& stream, WhyEnded why) = 0;
    // There is work, outside of fill().
    virtual void on_bodies_news() = 0;

   protected:
    ~Owner() = default;
  };

  // `streams` are those of the connection.
  H2Bodies(HttpThread& thread, H2Streams& streams, Owner& owner) : thread_{thread}, streams_{streams}, owner_{owner} {}

  // The head of a stream that has a source was sent.
  void begin(H2Stream& stream);
  // A source that had nothing has something again.
  void resume(H2Stream& stream);
  // No more is sent of the stream.
  void stop(H2Stream& stream);

  // Frames what the sources have until the gather has a turn's worth, the windows are shut, or nothing is left.
  void fill(Gather& gather);
  bool has_work() const { return !turns_.empty() && connection_.is_open(); }

  // WINDOW_UPDATE. False: above what a window can be, an error of the peer's.
  [[nodiscard]] bool give(std::uint32_t bytes) { return connection_.change(bytes); }
  [[nodiscard]] bool give(H2Stream& stream, std::uint32_t bytes);
  // SETTINGS_INITIAL_WINDOW_SIZE, which changes the windows of the streams that are there as well.
  [[nodiscard]] bool set_first_window(std::int32_t bytes);
  std::int32_t first_window() const { return first_window_; }

  // Some source has something, or was not asked yet.
  bool is_held_up() const { return shut_ > 0 || !turns_.empty(); }
  // Ends what its reader has left. To be called now and then; `passed_ms` since the last time.
  void check_stalls(std::int64_t now_ms, std::int64_t passed_ms, bool is_output_blocked);

 private:
  friend H2Crowd;
  void on_news(H2Crowd& crowd);
  void set(H2Stream& stream, H2Stream::Body body);
  void fetch_ahead();
  void take_turn(H2Stream& stream, Gather& gather);
  void wait(H2Stream& stream, bool is_for_news);
  void wait_for_turn(H2Stream& stream);
  void end_stalled(H2Stream& stream);

  HttpThread& thread_;
  H2Streams& streams_;
  Owner& owner_;
  H2Work turns_;               // streams that have something to send; the window of some may be shut
  H2Work later_;               // what was woken in its turn, by its own source: its next one is not in this fill
  H2Stream* asked_ = nullptr;  // whose turn it is
  std::map<const News*, H2Crowd> crowds_;
  H2Window connection_;
  std::int32_t first_window_ = H2Window::kDefault;
  std::uint32_t shut_ = 0;   // streams that are Body::shut
  StallClock window_stall_;  // runs while the connection's window holds streams up
};

}  // namespace tailgate
