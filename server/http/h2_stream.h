// One HTTP/2 stream: the request as it comes in, then its exchange, then its answer.
//
// Memory while an answer runs: about 320 bytes with its access line and libnghttp2's 300; nothing else of the request.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "server/http/access_line.h"
#include "server/http/body_clock.h"
#include "server/http/exchange.h"
#include "server/http/h2_window.h"
#include "server/http/open_exchange.h"
#include "server/http/options.h"
#include "server/http/request_rules.h"
#include "server/http/stall_clock.h"
#include "server/net/listen_address.h"

namespace tailgate {

struct H2Crowd;
class H2Session;

// A request that is being read.
class H2Incoming {
 public:
  explicit H2Incoming(std::int64_t start_ms);

  // Counted before anything is kept: past a limit only the refusal remains.
  void add_field(std::string_view name, std::string_view value, const HttpOptions& options);
  // `is_last`: of the frame that ends it, so that it is not held for long.
  void add_body(std::string_view bytes, bool is_last, HttpThread& thread);
  void refuse(const Refusal& refusal);
  // So much that its sender gets no answer: who is only above the limits is told so.
  bool is_far_too_large(const HttpOptions& options) const {
    return fields_ > 2 * options.fields_max || fields_bytes_ > 2 * options.fields_bytes_max;
  }
  // All fields have come: what is wrong with them, if anything, becomes the refusal.
  void check(Scheme listener_scheme);
  // Waits for an interim answer before it sends its body (RFC 9110, 10.1.1).
  bool expects_continue() const;

  Request request;
  std::int64_t start_ms;
  BodyClock body_clock;
  bool has_fields = false;   // all of them; what follows is body and trailers
  bool is_complete = false;  // END_STREAM has come
  std::optional<Refusal> refusal;

 private:
  std::size_t fields_bytes_ = 0;
  std::size_t fields_ = 0;
  std::string target_;
  ByteBudget::Share held_;             // of the body
  std::optional<std::size_t> cookie_;  // its index: crumbs are joined (RFC 9113, 8.2.3)
};

// A stream's place among those that something is to be done for, and among all of its connection.
struct H2WorkTag;
struct H2StreamsTag;
using H2WorkHook = boost::intrusive::list_base_hook<boost::intrusive::tag<H2WorkTag>,
                                                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using H2StreamsHook = boost::intrusive::list_base_hook<boost::intrusive::tag<H2StreamsTag>>;

// Threads: its io thread. Owned by its session.
class H2Stream final : public Waker, public OpenExchange::Owner, public H2WorkHook, public H2StreamsHook {
 public:
  static constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

  enum class Body : std::uint8_t {
    none,     // its head has not been sent, or it has no body
    ready,    // its source has something, or was not asked yet: it waits for its turn
    shut,     // the same, and its window holds it up
    waiting,  // its source has nothing; or has, if its crowd was told and its turn has not come
    over,     // nothing more is sent
  };

  H2Stream(H2Session& session_in, std::int32_t id_in, H2Window window_in, std::int64_t now_ms)
      : session{session_in}, id{id_in}, window{window_in}, incoming{std::make_unique<H2Incoming>(now_ms)} {}

  void wake() override;
  void on_reply() override;

  // Whether something is to be done for it: in a list of H2Work.
  bool is_linked() const { return H2WorkHook::is_linked(); }
  void unlink() { H2WorkHook::unlink(); }

  H2Session& session;
  const std::int32_t id;
  H2Window window;
  std::uint32_t unreturned_bytes = 0;    // sent and not given back to this stream's window
  std::uint32_t fields_passed_over = 0;  // trailers of a request that was answered before they came
  Body body = Body::none;
  WhyEnded why = WhyEnded::client_closed;
  bool is_counted = false;             // as a stream, in gauges and load
  std::unique_ptr<ByteSource> source;  // the rest of its body
  H2Crowd* crowd = nullptr;            // with which it waits for news of the source, while it has a body
  std::uint64_t body_left = kUnknown;
  std::uint64_t sent_bytes = 0;
  StallClock stall;                        // runs while only this stream's window holds it up
  std::unique_ptr<H2Incoming> incoming;    // until a handler has it
  std::unique_ptr<OpenExchange> exchange;  // until it is answered
  std::unique_ptr<AccessLine> line;        // from when a handler has it; destroyed before the source
};

// Of one connection: all that are open, at most h2_streams_max, which its session owns; and those that something is to
// be done for.
using H2Streams = boost::intrusive::list<H2Stream, boost::intrusive::base_hook<H2StreamsHook>,
                                         boost::intrusive::constant_time_size<false>>;
using H2Work = boost::intrusive::list<H2Stream, boost::intrusive::base_hook<H2WorkHook>,
                                      boost::intrusive::constant_time_size<false>>;

}  // namespace tailgate
