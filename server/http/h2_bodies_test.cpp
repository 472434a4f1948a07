// The windows of an HTTP/2 connection and its streams, which are counted here: what is sent is what the peer has given,
// to the byte (RFC 9113, 6.9).
#include "server/http/h2_bodies.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "server/http/memory_connection.h"
#include "server/http/test_h2.h"
#include "server/http/test_server.h"

namespace tailgate::testing {
namespace {

using h2::frame;
using h2::number;
using h2::setting;

enum : std::uint64_t { kProtocol = 1, kFlowControl = 3 };

TEST(H2Window, CanBeBelowZeroAndIsShutThen) {
  H2Window window{100};
  window.take(100);
  ASSERT_TRUE(window.change(-90));
  EXPECT_EQ(window.room(), 0U);

  ASSERT_TRUE(window.change(90));
  EXPECT_FALSE(window.is_open());
  ASSERT_TRUE(window.change(1));
  EXPECT_EQ(window.room(), 1U);
}

TEST(H2Window, IsNeverAboveItsMaximum) {
  H2Window window{1};

  EXPECT_FALSE(window.change(H2Window::kMax));
  EXPECT_EQ(window.room(), 1U) << "changed by what was refused";
  EXPECT_TRUE(window.change(H2Window::kMax - 1));
  EXPECT_FALSE(window.change(1));
}

// What a client that keeps count has given and got, of one connection in memory.
class Ledger {
 public:
  explicit Ledger(std::string_view settings = "", const HttpOptions& options = {}) : connection{options} {
    connection.send(std::string{kPreface} + frame(h2::kSettings, 0, 0, settings));
    if (!settings.empty()) first = static_cast<std::int64_t>(h2::number_of(settings.substr(2, 4)));
    read();
  }
  void get(std::uint32_t stream, std::string_view path) { send(request(stream, path)); }
  std::string request(std::uint32_t stream, std::string_view path) {
    windows[stream] = first;
    // GET, http, :path as a literal, :authority.
    const std::string block = std::string{"\x82\x86\x04", 3} + static_cast<char>(path.size()) + std::string{path} +
                              std::string{"\x01\x04here", 6};
    return frame(h2::kHeaders, h2::kEndStream | h2::kEndHeaders, stream, block);
  }
  void give(std::uint32_t stream, std::uint32_t by) {
    (stream == 0 ? window : windows[stream]) += by;
    send(frame(h2::kWindowUpdate, 0, stream, number(by, 4)));
  }
  void set_first(std::uint32_t size) {
    for (auto& [stream, left] : windows) left += std::int64_t{size} - first;
    first = size;
    send(frame(h2::kSettings, 0, 0, setting(4, size)));
  }
  void send(std::string_view frames) {
    connection.send(frames);
    read();
  }
  // Takes what was written apart. What was given is all that may come.
  void read() {
    std::string& written = connection.peer.written;
    std::size_t at = 0;
    while (at + 9 <= written.size()) {
      const std::size_t size = h2::number_of(std::string_view{written}.substr(at, 3));
      const auto stream = static_cast<std::uint32_t>(h2::number_of(std::string_view{written}.substr(at + 5, 4)));
      const auto type = static_cast<std::uint8_t>(written[at + 3]);
      const std::string_view payload = std::string_view{written}.substr(at + 9, size);
      if (type == h2::kData) {
        window -= static_cast<std::int64_t>(size);
        windows[stream] -= static_cast<std::int64_t>(size);
        if (size > 0) {
          EXPECT_GE(window, 0);
          EXPECT_GE(windows[stream], 0) << "stream " << stream;
        }
        bytes[stream] += size;
        if ((written[at + 4] & h2::kEndStream) != 0) ++ended;
      }
      if (type == h2::kRst) resets[stream] = h2::number_of(payload);
      if (type == h2::kGoaway) goaway = h2::number_of(payload.substr(4, 4));
      at += 9 + size;
    }
    written.erase(0, at);
  }

  MemoryConnection connection;
  std::int64_t window = 65'535;
  std::int64_t first = 65'535;
  std::map<std::uint32_t, std::int64_t> windows;  // by stream
  std::map<std::uint32_t, std::size_t> bytes;
  std::map<std::uint32_t, std::uint64_t> resets;
  int ended = 0;
  std::optional<std::uint64_t> goaway;
};

void tell(Ledger& peer, std::string_view text) {
  peer.connection.handler.boards[0].tell(text);
  peer.connection.run();
  peer.read();
}

TEST(H2Bodies, StreamsThatWaitForTheSameNewsAllGetThem) {
  Ledger peer;
  for (std::uint32_t stream = 1; stream <= 9; stream += 2) peer.get(stream, "/news");

  tell(peer, "one");
  tell(peer, "two");

  for (std::uint32_t stream = 1; stream <= 9; stream += 2) EXPECT_EQ(peer.bytes[stream], 6U) << stream;
}

TEST(H2Bodies, AStreamWhoseWindowIsShutWhenNewsComeGetsThemWhenItOpens) {
  Ledger peer{setting(4, 4)};
  peer.get(1, "/news");
  peer.get(3, "/news");
  tell(peer, "123456");
  tell(peer, "78");
  EXPECT_EQ(peer.bytes[1], 4U);

  peer.give(1, 10);
  EXPECT_EQ(peer.bytes[1], 8U);
  EXPECT_EQ(peer.bytes[3], 4U);
  peer.set_first(20);
  EXPECT_EQ(peer.bytes[3], 8U);
  tell(peer, "9");
  EXPECT_EQ(peer.bytes[1], 9U);
  EXPECT_EQ(peer.bytes[3], 9U);
}

TEST(H2Bodies, StreamsThatEndAreNotToldOfNewsAnyMore) {
  Ledger peer;
  peer.get(1, "/news");
  peer.get(3, "/news");
  peer.send(frame(h2::kRst, 0, 1, number(8, 4)));

  tell(peer, "one");
  EXPECT_EQ(peer.bytes[1], 0U);
  EXPECT_EQ(peer.bytes[3], 3U);

  peer.send(frame(h2::kRst, 0, 3, number(8, 4)));
  tell(peer, "two");
  EXPECT_EQ(peer.bytes[3], 3U);
  peer.get(5, "/news");
  tell(peer, "three");
  EXPECT_EQ(peer.bytes[5], 5U);
}

TEST(H2Bodies, NewsThatNoWindowIsOpenForAreHeldUp) {
  Ledger peer{setting(4, 100'000)};
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.get(3, "/body?65535");
  ASSERT_EQ(peer.window, 0);

  tell(peer, "held up");
  const std::int64_t patience_ms = peer.connection.options.write_stall_ms + 3'000;
  for (std::int64_t passed_ms = 0; passed_ms < patience_ms; passed_ms += 1'000) {
    peer.connection.advance(1'000);
    peer.send(frame(h2::kPing, 0, 0, number(0, 8)));
  }

  EXPECT_EQ(peer.resets.count(1), 1U) << "its client does not read any more";
}

TEST(H2Bodies, ASourceThatWakesItselfWhileItIsAskedIsAskedAgain) {
  Ledger peer;

  peer.get(1, "/search?3");

  EXPECT_EQ(peer.bytes[1], 5U);
  EXPECT_EQ(peer.ended, 1);
}

TEST(H2Bodies, SendsExactlyWhatItsPeerHasGiven) {
  std::minstd_rand engine{1};
  const auto random = [&](std::uint32_t below) { return static_cast<std::uint32_t>(engine() % below); };
  for (int run = 0; run < 50; ++run) {
    Ledger ledger{setting(4, random(3000))};
    for (std::uint32_t stream = 1; stream <= 5; stream += 2) ledger.get(stream, "/endless");
    for (int step = 0; step < 100 && !::testing::Test::HasFailure(); ++step) {
      const std::uint32_t by = 1 + random(random(4) == 0 ? 50'000 : 300);
      const auto what = random(8);
      if (what == 0) ledger.set_first(random(3000));
      if (what == 1) ledger.give(0, by);
      if (what > 1) ledger.give(1 + 2 * random(3), by);

      const bool is_open = ledger.window > 0;
      for (const auto& [stream, left] : ledger.windows) {
        EXPECT_TRUE(!is_open || left <= 0) << "run " << run << ", step " << step << ": stream " << stream << " has "
                                           << left << " left and is not sent";
      }
      EXPECT_FALSE(ledger.goaway);
    }
  }
}

TEST(H2Bodies, AWindowBelowZeroIsMadeUpForBeforeAnythingIsSent) {
  Ledger ledger{setting(4, 1000)};
  ledger.get(1, "/endless");
  ASSERT_EQ(ledger.bytes[1], 1000U);

  ledger.set_first(100);
  ledger.give(1, 900);
  EXPECT_EQ(ledger.bytes[1], 1000U);
  ledger.give(1, 1);
  EXPECT_EQ(ledger.bytes[1], 1001U);
}

TEST(H2Bodies, AFirstWindowThatGrowsOpensStreamsThatAreThere) {
  Ledger ledger{setting(4, 0)};
  ledger.get(1, "/bytes?5000");
  ASSERT_EQ(ledger.bytes[1], 0U);

  ledger.set_first(5001);

  EXPECT_EQ(ledger.bytes[1], 5000U);
  EXPECT_EQ(ledger.ended, 1);
}

TEST(H2Bodies, AnAnswerAsLongAsTheWindowEndsInsideIt) {
  Ledger ledger{setting(4, 1000)};
  ledger.get(1, "/body?1000");

  EXPECT_EQ(ledger.bytes[1], 1000U);
  EXPECT_EQ(ledger.ended, 1) << "its length is known: the last byte says that it is the last";
  EXPECT_TRUE(ledger.resets.empty());
}

TEST(H2Bodies, AWindowOfAStreamAboveTheMaximumResetsTheStreamOnly) {
  Ledger ledger{setting(4, 1000)};
  ledger.get(1, "/events");
  ledger.get(3, "/bytes?2000");

  ledger.send(frame(h2::kWindowUpdate, 0, 1, number(0x7fffffff, 4)));
  ledger.send(frame(h2::kWindowUpdate, 0, 1, number(0x7fffffff, 4)));
  ledger.give(3, 1000);

  EXPECT_EQ(ledger.resets, (std::map<std::uint32_t, std::uint64_t>{{1, kFlowControl}}));
  EXPECT_EQ(ledger.connection.handler.open_events, 0);
  EXPECT_EQ(ledger.bytes[3], 2000U);
  EXPECT_FALSE(ledger.goaway);
}

TEST(H2Bodies, AFirstWindowThatLiftsAStreamAboveTheMaximumEndsTheConnection) {
  Ledger ledger{setting(4, 1000)};
  ledger.get(1, "/events");
  ledger.give(1, 0x7fffffff - 1000);
  ASSERT_TRUE(ledger.resets.empty());

  ledger.send(frame(h2::kSettings, 0, 0, setting(4, 1001)));

  EXPECT_EQ(ledger.goaway, kFlowControl);
}

TEST(H2Bodies, WindowsAddUpForAsLongAsBytesAreSent) {
  Ledger ledger;
  ledger.get(1, "/endless");
  // Each update alone is allowed; what a count would come to that forgets what was sent is not.
  for (int i = 0; i < 40; ++i) {
    ledger.give(1, 65'535);
    ledger.give(0, 65'535);
  }
  EXPECT_EQ(ledger.bytes[1], 41U * 65'535U);
  ledger.give(0, 0x7fffffff);
  EXPECT_FALSE(ledger.goaway);
  ledger.send(frame(h2::kWindowUpdate, 0, 0, number(1, 4)));
  EXPECT_EQ(ledger.goaway, kFlowControl);
}

TEST(H2Bodies, UpdatesOfStreamsThatAreClosedArePassedOver) {
  Ledger ledger;
  ledger.get(1, "/bytes?10");
  ledger.get(3, "/events");
  ledger.send(frame(h2::kRst, 0, 3, number(8, 4)));

  for (const std::uint32_t stream : {1U, 3U}) {
    ledger.send(frame(h2::kWindowUpdate, 0, stream, number(0x7fffffff, 4)));
    ledger.send(frame(h2::kWindowUpdate, 0, stream, number(0x7fffffff, 4)));
  }

  EXPECT_FALSE(ledger.goaway);
  EXPECT_TRUE(ledger.resets.empty());
  ledger.get(5, "/bytes?10");
  EXPECT_EQ(ledger.bytes[5], 10U);
}

TEST(H2Bodies, AnUpdateOfZeroOnAStreamEndsTheConnection) {
  Ledger ledger;
  ledger.get(1, "/events");

  ledger.send(frame(h2::kWindowUpdate, 0, 1, number(0, 4)));

  EXPECT_EQ(ledger.goaway, kProtocol);
}

TEST(H2Bodies, AnUpdateIsNotAllowedInPlaceOfSettings) {
  MemoryConnection connection;
  connection.send(std::string{kPreface} + frame(h2::kWindowUpdate, 0, 0, number(1, 4)));

  EXPECT_NE(connection.peer.written.find(frame(h2::kGoaway, 0, 0).substr(3, 6)), std::string::npos);
}

TEST(H2Bodies, AnUpdateIsNotAllowedWithinAHeaderBlock) {
  Ledger ledger;
  ledger.send(frame(h2::kHeaders, h2::kEndStream, 1, std::string{"\x82\x86\x84", 3}));

  ledger.send(frame(h2::kWindowUpdate, 0, 0, number(1, 4)));

  EXPECT_EQ(ledger.goaway, kProtocol);
}

TEST(H2Bodies, AStreamThatHasEndedMakesRoomForAnotherAtOnce) {
  Ledger ledger{setting(4, 1U << 20U)};
  ledger.give(0, 1U << 20U);
  ledger.send(frame(h2::kSettings, h2::kAck, 0));
  for (std::uint32_t stream = 1; stream < 199; stream += 2) ledger.get(stream, "/events");
  MemoryPeer& peer = ledger.connection.peer;

  // The body fills a turn to its end, and the next request is read before the next turn.
  peer.to_read += ledger.request(199, "/body?65536");
  ASSERT_TRUE(peer.turn());
  ledger.read();
  ASSERT_EQ(ledger.ended, 1);
  peer.to_read += ledger.request(201, "/bytes?10");
  ASSERT_TRUE(peer.turn());
  ledger.send("");

  EXPECT_FALSE(ledger.goaway);
  EXPECT_TRUE(ledger.resets.empty());
  EXPECT_EQ(ledger.bytes[201], 10U);
}

TEST(H2Bodies, WhatManyStreamsHaveGoesOutInOneWrite) {
  Ledger ledger;
  for (std::uint32_t stream = 1; stream < 200; stream += 2) ledger.get(stream, "/events");
  ASSERT_EQ(ledger.connection.handler.open_events, 100);
  const std::size_t writes = ledger.connection.peer.writes;

  for (EventsSource* source : ledger.connection.handler.events[0]) source->publish("one event");
  ledger.connection.run();
  ledger.read();

  EXPECT_EQ(ledger.connection.peer.writes, writes + 1);
  for (std::uint32_t stream = 1; stream < 200; stream += 2) EXPECT_EQ(ledger.bytes[stream], 9U);
}

std::string post_head(std::uint32_t stream) {
  return frame(h2::kHeaders, h2::kEndHeaders, stream, std::string{"\x83\x86\x04\x05/echo\x01\x04here", 15});
}

TEST(H2Connection, DataOfARequestThatCrossedTheGoawayDoesNotEndTheConnection) {
  Ledger peer;
  peer.get(1, "/news");
  tell(peer, "one");
  ASSERT_EQ(peer.bytes[1], 3U);
  peer.connection.connections.drain_all();
  peer.connection.advance(1'300);
  peer.read();
  ASSERT_EQ(peer.goaway, 0U);
  peer.send(post_head(3) + frame(h2::kData, h2::kEndStream, 3, "x"));
  EXPECT_EQ(peer.goaway, 0U) << "the connection was ended";
  EXPECT_TRUE(peer.connection.is_open());
  tell(peer, "two");
  EXPECT_EQ(peer.bytes[1], 6U) << "the stream was cut";
}

TEST(H2Connection, ARequestThatCrossedTheGoawayIsNoHeaderBlockThatDoesNotEnd) {
  Ledger peer;
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.connection.connections.drain_all();
  peer.connection.advance(1'300);
  peer.read();
  peer.get(3, "/hello");
  for (int i = 0; i < 12; ++i) {
    peer.connection.advance(1'000);
    peer.give(0, 1);
  }
  EXPECT_EQ(peer.goaway, 0U);
  tell(peer, "two");
  EXPECT_EQ(peer.bytes[1], 3U) << "the stream was cut";
}

TEST(H2Connection, TrailersAfterAnEarlyAnswerAreNoHeaderBlockThatDoesNotEnd) {
  Ledger peer;
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.windows[3] = 65'535;
  // An unknown method: answered before its body. GET -> literal method "BREW".
  peer.send(frame(h2::kHeaders, h2::kEndHeaders, 3,
                  std::string{"\x02\x04"
                              "BREW\x86\x04\x05/echo\x01\x04here",
                              20}));
  EXPECT_EQ(peer.resets[3], 0U);
  EXPECT_EQ(peer.ended, 1);
  peer.send(frame(h2::kHeaders, h2::kEndHeaders | h2::kEndStream, 3, std::string{"\x00\x01x\x01y", 5}));
  EXPECT_FALSE(peer.goaway);
  for (int i = 0; i < 12; ++i) {
    peer.connection.advance(1'000);
    peer.give(0, 1);
  }
  EXPECT_FALSE(peer.goaway) << *peer.goaway;
  tell(peer, "two");
  EXPECT_EQ(peer.bytes[1], 3U) << "the stream was cut";
}

TEST(H2Connection, TimeInWhichNothingIsReadDoesNotCountAgainstAnAnswerToAPing) {
  Ledger peer;
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.connection.peer.window = 0;  // the kernel takes nothing more, from here
  for (int i = 0; i < 301; ++i) peer.connection.advance(100);
  for (int i = 0; i < 160; ++i) peer.connection.advance(100);
  ASSERT_TRUE(peer.connection.is_open());
  peer.connection.peer.window = 1 << 30;
  peer.connection.run();
  EXPECT_NE(peer.connection.peer.written.find(std::string{"\0\0\x08\x06", 4}), std::string::npos);
  peer.read();
  for (int i = 0; i < 5; ++i) peer.connection.advance(100);
  peer.read();
  EXPECT_FALSE(peer.goaway) << "ended 0.5 s after the PING went out";
}

TEST(H2Connection, DataOfAStreamThatIsRefusedInTheSameReadDoesNotEndTheConnection) {
  Ledger peer;
  std::string burst;
  for (std::uint32_t i = 0; i < 100; ++i) burst += peer.request(1 + 2 * i, "/news");
  peer.send(burst);
  peer.send(post_head(201) + frame(h2::kData, h2::kEndStream, 201, "x"));
  EXPECT_FALSE(peer.goaway) << *peer.goaway;
  EXPECT_TRUE(peer.resets.contains(201));
  EXPECT_EQ(peer.resets[201], 7U);
}

TEST(H2Connection, ACompleteRequestThatWaitsForABlockedOutputIsNotTimedOut) {
  Ledger peer;
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.connection.peer.window = 0;
  tell(peer, "a record that the kernel does not take");
  peer.get(3, "/hello");  // all of it: END_STREAM
  EXPECT_TRUE(peer.connection.peer.to_read.empty());
  for (int i = 0; i < 120; ++i) peer.connection.advance(100);
  EXPECT_EQ(peer.connection.thread.counters.events.get(HttpEvent::timeout_body), 0);
  peer.connection.peer.window = 1 << 30;
  peer.connection.run();
  peer.read();
  EXPECT_EQ(peer.connection.handler.handled, 2) << "answered with 408";
  EXPECT_EQ(peer.bytes[3], 5U);
}

TEST(H2Connection, ABodyThatStopsAfterMuchOfItHasComeIsNotHeldForLong) {
  Ledger peer;
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.windows[3] = peer.first;
  peer.send(post_head(3));
  for (int i = 0; i < 30; ++i) peer.send(frame(h2::kData, 0, 3, std::string(16'384, 'x')));
  EXPECT_GE(peer.connection.thread.bodies.held_bytes(), 30U * 16'384);
  for (int i = 0; i < 13; ++i) peer.connection.advance(1'000);
  peer.read();

  EXPECT_EQ(peer.connection.thread.bodies.held_bytes(), 0U);
  EXPECT_EQ(peer.connection.thread.counters.events.get(HttpEvent::timeout_body), 1);
  EXPECT_EQ(peer.connection.handler.handled, 1) << "/news";
  EXPECT_FALSE(peer.goaway);
}

TEST(H2Connection, ABodyThatComesAtOnceNeedsNoRoom) {
  HttpOptions options;
  options.bodies_bytes_max = 70'000;
  Ledger peer{"", options};
  ByteBudget::Share others{peer.connection.thread.bodies};
  ASSERT_TRUE(others.resize(70'000));
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.windows[1] = peer.first;
  peer.send(post_head(1));
  peer.send(frame(h2::kData, h2::kEndStream, 1, std::string(100, 'x')));

  EXPECT_EQ(peer.connection.thread.counters.events.get(HttpEvent::no_room), 0);
  EXPECT_EQ(peer.bytes[1], 100U);
}

TEST(H2Connection, ABodyWithoutRoomIsRefusedAndItsConnectionGoesOn) {
  HttpOptions options;
  options.bodies_bytes_max = 70'000;
  Ledger peer{"", options};
  peer.send(frame(h2::kSettings, h2::kAck, 0));
  peer.get(1, "/news");
  peer.windows[3] = peer.windows[5] = peer.first;
  peer.send(post_head(3) + post_head(5));
  const std::string part(10'000, 'x');
  for (int i = 0; i < 3; ++i) peer.send(frame(h2::kData, 0, 3, part));
  for (int i = 0; i < 3; ++i) peer.send(frame(h2::kData, 0, 5, part));
  EXPECT_EQ(peer.connection.thread.counters.events.get(HttpEvent::no_room), 1);
  peer.send(frame(h2::kData, h2::kEndStream, 3, part));

  EXPECT_EQ(peer.bytes[3], 4 * part.size());
  EXPECT_EQ(peer.connection.thread.bodies.held_bytes(), 0U);
  tell(peer, "one");
  EXPECT_EQ(peer.bytes[1], 3U);
}

}  // namespace
}  // namespace tailgate::testing
