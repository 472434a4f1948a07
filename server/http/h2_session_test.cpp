// One HTTP/2 connection over time: streams side by side, windows, limits, time-outs, its end.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "server/http/memory_connection.h"
#include "server/http/test_curl.h"
#include "server/http/test_h2.h"
#include "server/http/test_server.h"

namespace tailgate::testing {
namespace {

using h2::number;
using h2::setting;
using std::chrono::milliseconds;

TestServerSetup with(const std::function<void(HttpOptions&)>& change) {
  TestServerSetup setup;
  change(setup.http);
  return setup;
}

const std::string kLargeWindows = setting(4, 0x7fffffff);
std::string window(std::uint32_t bytes) { return number(bytes, 4); }

TEST(H2Session, StartsWithItsSettings) {
  TestServer server;
  TestH2 client{server.port()};

  const auto settings = client.next();

  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->type, h2::kSettings);
  EXPECT_EQ(settings->payload, setting(3, 100) + setting(4, 65535) + setting(6, 16384) + setting(9, 1));
  const auto update = client.next_of(h2::kWindowUpdate);
  ASSERT_TRUE(update);
  EXPECT_EQ(h2::number_of(update->payload) + 65535, 1024U * 1024U);
}

TEST(H2Session, AnswersManyStreamsOfOneConnection) {
  TestServer server;
  TestH2 client{server.port()};
  for (std::uint32_t stream = 1; stream < 200; stream += 2) client.get(stream, "/events");
  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 100; }));
  std::map<std::uint32_t, std::string> bodies;

  server.publish("one event");
  while (bodies.size() < 100) {
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    bodies[frame->stream] += frame->payload;
  }
  server.end_events();

  for (const auto& [stream, body] : bodies) EXPECT_EQ(body, "one event");
  for (int i = 0; i < 100; ++i) {
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->payload, "");
    EXPECT_EQ(frame->flags, h2::kEndStream);
  }
  EXPECT_TRUE(eventually([&] { return server.open(OpenGauge::streams) == 0; }));
}

TEST(H2Session, StreamsTakeTurns) {
  TestServer server;
  TestH2 client{server.port(), kLargeWindows};
  client.send(h2::kWindowUpdate, 0, 0, window(1'000'000'000));
  for (std::uint32_t stream = 1; stream <= 5; stream += 2) client.get(stream, "/endless");
  std::map<std::uint32_t, std::size_t> bytes;
  while (bytes.size() < 3) {  // who asked first is ahead by then
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    bytes[frame->stream] = 0;
  }
  for (std::size_t all = 0; all < 3'000'000;) {
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    bytes[frame->stream] += frame->payload.size();
    all += frame->payload.size();
  }

  for (std::uint32_t stream = 1; stream <= 5; stream += 2) {
    EXPECT_GT(bytes[stream], 900'000U) << "stream " << stream;
    EXPECT_LT(bytes[stream], 1'100'000U) << "stream " << stream;
  }
}

TEST(H2Session, WhatAClientSaysOfPrioritiesChangesNothing) {
  TestServer server;
  TestH2 client{server.port(), kLargeWindows};
  client.send(h2::kWindowUpdate, 0, 0, window(1'000'000'000));
  client.get(1, "/endless", {{"priority", "u=0"}});
  client.get(3, "/endless", {{"priority", "u=7"}});
  std::map<std::uint32_t, std::size_t> bytes;
  while (bytes[1] + bytes[3] < 2'000'000) {
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    bytes[frame->stream] += frame->payload.size();
  }

  EXPECT_GT(bytes[3], 800'000U);
}

TEST(H2Session, SendsWithinTheWindowsAndGoesOnWhenTheyOpen) {
  TestServer server;
  TestH2 client{server.port(), setting(4, 100)};
  client.get(1, "/bytes?1000");
  std::string body;
  for (int i = 0; i < 10; ++i) {
    const auto frame = client.next_of(h2::kData);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->payload.size(), 100U);
    body += frame->payload;
    EXPECT_FALSE(client.next(milliseconds{20})) << "more than the window";
    client.send(h2::kWindowUpdate, 0, 1, window(100));
  }

  EXPECT_EQ(body, pattern(1000));
  const auto end = client.next_of(h2::kData);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->flags, h2::kEndStream);
}

TEST(H2Session, AStreamThatIsCutIsReset) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/cut?1000");

  const auto answer = client.answer(1);

  EXPECT_EQ(answer.body, pattern(1000));
  ASSERT_TRUE(answer.reset);
  EXPECT_EQ(*answer.reset, 2U);
  EXPECT_TRUE(eventually([&] { return server.observer.lines().size() == 1; }));
  EXPECT_EQ(server.observer.lines().front().why, WhyEnded::cut);
}

TEST(H2Session, AClientThatResetsAStreamReleasesIt) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/events");
  client.get(3, "/later");
  ASSERT_TRUE(eventually([&] { return server.handler.open_events == 1 && server.handler.open_later == 1; }));

  client.send(h2::kRst, 0, 1, number(8, 4));
  client.send(h2::kRst, 0, 3, number(8, 4));

  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 0 && server.handler.open_later == 0; }));
  client.get(5, "/hello");
  EXPECT_EQ(client.answer(5).body, "hello");
  EXPECT_EQ(server.observer.lines().front().why, WhyEnded::client_closed);
}

TEST(H2Session, AClientThatLeavesReleasesEverything) {
  TestServer server;
  {
    TestH2 client{server.port()};
    for (std::uint32_t stream = 1; stream < 100; stream += 2)
      client.get(stream, stream % 4 == 1 ? "/events" : "/endless");
    ASSERT_TRUE(eventually([&] { return server.open(OpenGauge::streams) == 50; }));
    client.socket.reset();
  }

  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0 && server.handler.open_events == 0; }));
  EXPECT_EQ(server.open(OpenGauge::streams), 0);
  EXPECT_EQ(server.observer.lines().size(), 50U);
}

TEST(H2Session, HeadGetsTheFieldsAndNoBody) {
  TestServer server;
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("HEAD", "/hello"));
  const auto whole = client.answer(1);
  client.ask(3, TestH2::request("HEAD", "/events"));
  const auto stream = client.answer(3);

  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.fields.at("content-length"), "5");
  EXPECT_EQ(whole.body, "");
  EXPECT_TRUE(whole.is_complete);
  EXPECT_EQ(stream.status, 200);
  EXPECT_TRUE(stream.is_complete);
  EXPECT_EQ(server.handler.open_events, 0);
}

TEST(H2Session, TakesBodiesAndPassesOverTrailers) {
  TestServer server;
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("POST", "/echo", {{"content-length", "11"}}), 0);
  client.send(h2::kData, 0, 1, "hello ");
  client.send(h2::kData, h2::kPadded, 1, std::string("\x03", 1) + "world" + std::string(3, '\0'));
  client.ask(1, {{"host", "evil"}, {"x-trailer", "y"}});
  EXPECT_EQ(client.answer(1).body, "hello world");

  client.ask(3, TestH2::request("POST", "/echo"), 0);
  client.send(h2::kData, 0, 3, "no");
  client.send(h2::kData, h2::kEndStream, 3, "thing");
  EXPECT_EQ(client.answer(3).body, "nothing");
}

TEST(H2Session, SaysContinueToWhoWaitsForIt) {
  TestServer server;
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("POST", "/echo", {{"expect", "100-continue"}}), 0);
  const auto interim = client.next_of(h2::kHeaders);
  ASSERT_TRUE(interim);
  EXPECT_EQ(client.inflate(interim->payload), (Fields{{":status", "100"}}));
  EXPECT_EQ(interim->flags, h2::kEndHeaders);

  client.send(h2::kData, h2::kEndStream, 1, "hello");
  EXPECT_EQ(client.answer(1).body, "hello");
}

TEST(H2Session, RefusesABodyThatIsNotAsLongAsItSays) {
  TestServer server;
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("POST", "/echo", {{"content-length", "3"}}), 0);
  client.send(h2::kData, h2::kEndStream, 1, "hello");

  EXPECT_EQ(client.answer(1).reset, 1U);
  EXPECT_EQ(server.handler.handled, 0);
}

TEST(H2Session, RefusesABodyAboveTheLimitBeforeItHasAllCome) {
  TestServer server;
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("GET", "/echo"), 0);
  for (int i = 0; i < 3; ++i) client.send(h2::kData, 0, 1, std::string(16384, 'x'));
  client.send(h2::kData, 0, 1, std::string(16000, 'x'));
  client.send(h2::kData, 0, 1, std::string(500, 'x'));

  const auto answer = client.answer(1);

  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.is_complete);
  const auto reset = client.next_of(h2::kRst);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->error_code(), 0U) << "the rest of the body is to be given up, without an error";
}

TEST(H2Session, AnswersABodyThatStopsWith408) {
  TestServer server{with([](HttpOptions& http) { http.body_grace_ms = 300; })};
  TestH2 client{server.port()};
  client.ask(1, TestH2::request("POST", "/echo"), 0);
  client.send(h2::kData, 0, 1, "hello");

  EXPECT_EQ(client.answer(1).status, 408);
  client.get(3, "/hello");
  EXPECT_EQ(client.answer(3).body, "hello");
}

TEST(H2Session, RefusesStreamsAboveTheConcurrencyLimit) {
  TestServer server;
  TestH2 client{server.port()};
  ASSERT_TRUE(client.next_of(h2::kSettings));  // acknowledged with it
  for (std::uint32_t stream = 1; stream <= 201; stream += 2) client.get(stream, "/events");

  const auto goaway = client.next_of(h2::kGoaway);

  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 1U);
  EXPECT_LE(server.handler.handled, 100);
}

TEST(H2Session, BeforeSettingsAreAcknowledgedExtraStreamsAreRefusedOneByOne) {
  TestServer server;
  TestH2 client{server.port()};
  client.acknowledges = false;
  for (std::uint32_t stream = 1; stream <= 205; stream += 2) client.get(stream, "/events");

  for (const std::uint32_t stream : {201U, 203U, 205U}) {
    const auto reset = client.next_of(h2::kRst);
    ASSERT_TRUE(reset);
    EXPECT_EQ(reset->stream, stream);
    EXPECT_EQ(reset->error_code(), 7U);
  }
  EXPECT_TRUE(eventually([&] { return server.handler.handled == 100; }));  // some a turn
}

TEST(H2Session, ClosesOnWhoNeverAcknowledgesItsSettings) {
  TestServer server{with([](HttpOptions& http) { http.settings_ack_ms = 300; })};
  TestH2 client{server.port()};
  client.acknowledges = false;
  client.get(1, "/events");

  const auto goaway = client.next_of(h2::kGoaway);

  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 4U);
  EXPECT_EQ(server.events(HttpEvent::timeout_settings), 1);
  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 0; }));
}

TEST(H2Session, ClosesOnAHeaderBlockThatDoesNotEnd) {
  TestServer server{with([](HttpOptions& http) { http.header_block_ms = 300; })};
  TestH2 client{server.port()};
  client.acknowledges = false;  // no other frame may come within a header block
  client.socket.send(h2::frame(h2::kHeaders, h2::kEndStream, 1, client.deflate(TestH2::request("GET", "/hello"))));

  ASSERT_TRUE(client.next_of(h2::kGoaway));
  EXPECT_EQ(server.events(HttpEvent::timeout_head), 1);
}

TEST(H2Session, ARequestThatWasRefusedDoesNotCountAsAHeaderBlockThatDoesNotEnd) {
  TestServer server{with([](HttpOptions& http) { http.header_block_ms = 300; })};
  TestH2 client{server.port()};
  client.get(1, "/hello", {{"connection", "close"}});
  ASSERT_TRUE(client.next_of(h2::kRst));

  EXPECT_FALSE(client.next_of(h2::kGoaway, milliseconds{1000}));
  client.get(3, "/hello");
  EXPECT_EQ(client.answer(3).body, "hello");
}

TEST(H2Session, ClosesWhenItIsIdle) {
  TestServer server{with([](HttpOptions& http) { http.idle_h2_ms = 300; })};
  TestH2 client{server.port()};
  client.get(1, "/hello");
  ASSERT_EQ(client.answer(1).body, "hello");

  const auto goaway = client.next_of(h2::kGoaway);

  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 0U);
  EXPECT_TRUE(client.socket.receive_all());
}

TEST(H2Session, PingsASilentClientAndClosesWhenItDoesNotAnswer) {
  TestServer server{with([](HttpOptions& http) {
    http.ping_after_ms = 300;
    http.ping_answer_ms = 300;
  })};
  TestH2 client{server.port()};
  client.get(1, "/events");

  auto ping = client.next_of(h2::kPing);
  ASSERT_TRUE(ping);
  client.send(h2::kPing, h2::kAck, 0, ping->payload);
  ping = client.next_of(h2::kPing);
  ASSERT_TRUE(ping) << "an answered PING did not keep the connection";
  EXPECT_EQ(server.handler.open_events, 1);

  ASSERT_TRUE(client.next_of(h2::kGoaway));
  EXPECT_EQ(server.events(HttpEvent::timeout_ping), 1);
  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 0; }));
}

TEST(H2Session, AStreamWhoseWindowStaysShutIsResetAndTheOthersGoOn) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1500; })};
  TestH2 client{server.port(), setting(4, 0)};
  client.get(1, "/endless");
  client.get(3, "/bytes?10");
  client.send(h2::kWindowUpdate, 0, 3, window(100));
  EXPECT_EQ(client.answer(3).body, pattern(10));

  const auto reset = client.next_of(h2::kRst);

  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->stream, 1U);
  EXPECT_EQ(reset->error_code(), 8U);
  EXPECT_EQ(server.events(HttpEvent::stalled_stream), 1);
  EXPECT_EQ(server.handler.emitted, 10U) << "something was made for a stream that nobody reads";
  client.get(5, "/nothing");
  EXPECT_EQ(client.answer(5).status, 204);
}

TEST(H2Session, AStreamThatIsGivenAByteNowAndThenIsResetToo) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1500; })};
  TestH2 client{server.port(), setting(4, 10)};
  client.get(1, "/endless");
  std::optional<h2::Frame> reset;
  for (int i = 0; i < 200 && !reset; ++i) {
    auto frame = client.next(milliseconds{50});
    if (!frame) client.send(h2::kWindowUpdate, 0, 1, window(1));
    if (frame && frame->type == h2::kRst) reset = frame;
  }

  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->error_code(), 8U);
}

TEST(H2Session, WithTheConnectionsWindowShutTheStreamThatHoldsMostIsReset) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1500; })};
  TestH2 client{server.port(), kLargeWindows};
  client.get(1, "/body?1000");
  client.get(3, "/endless");
  client.get(5, "/bytes?1000");
  // Nothing is given back, so 65,535 bytes are all that is sent.
  const auto reset = client.next_of(h2::kRst);

  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->stream, 3U);
  client.send(h2::kWindowUpdate, 0, 0, window(1'000'000));
  client.get(7, "/hello");
  EXPECT_EQ(client.answer(7).body, "hello");
}

TEST(H2Session, AConnectionThatReadsNothingIsResetAndHoldsLittleMeanwhile) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1000; })};
  TestH2 client{server.port(), kLargeWindows, true, /*receive_buffer=*/4096};
  client.send(h2::kWindowUpdate, 0, 0, window(1'000'000'000));
  for (std::uint32_t stream = 1; stream < 20; stream += 2) client.get(stream, "/endless");

  EXPECT_TRUE(eventually([&] { return server.events(HttpEvent::stalled_connection) == 1; }));
  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0; }));
  EXPECT_LT(server.handler.emitted, 2U * 1024U * 1024U);
  for (const auto& line : server.observer.lines()) EXPECT_EQ(line.why, WhyEnded::stalled);
}

TEST(H2Session, AFloodOfPingsWhoseAnswersNobodyReadsEndsTheConnection) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1000; })};
  TestH2 client{server.port(), "", true, 4096};
  const std::string ping = h2::frame(h2::kPing, 0, 0, "12345678");
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += ping;
  timeval time{1, 0};
  (void)::setsockopt(client.socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  for (int i = 0; i < 1000 && client.socket.send(pings); ++i) {
  }

  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0; }));
}

TEST(H2Session, RapidResetsEndTheConnectionAndLeaveNothingRunning) {
  TestServer server;
  TestH2 client{server.port()};
  std::uint32_t stream = 1;
  for (; stream < 20'000; stream += 2) {
    if (!client.get(stream, "/later") || !client.send(h2::kRst, 0, stream, number(8, 4))) break;
  }

  EXPECT_TRUE(
      eventually([&] { return server.handler.open_later == 0 && server.open(OpenGauge::connections_h2) <= 1; }));
  const auto goaway = client.next_of(h2::kGoaway);
  EXPECT_TRUE(goaway || client.has_ended || client.socket.was_reset());
  EXPECT_LT(server.handler.handled, 400) << "work was begun for streams that were reset at once";
}

TEST(H2Session, AfterAsManyStreamsAsAConnectionMayHaveItSaysGoodbyeAndServesThem) {
  TestServer server{with([](HttpOptions& http) { http.h2_streams_of_connection = 3; })};
  TestH2 client{server.port()};
  for (std::uint32_t stream = 1; stream <= 5; stream += 2) {
    client.get(stream, "/hello");
    EXPECT_EQ(client.answer(stream).body, "hello");
  }

  const auto goaway = client.next_of(h2::kGoaway);

  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 0U);
  EXPECT_EQ(server.events(HttpEvent::streams_used_up), 1);
  EXPECT_TRUE(client.socket.receive_all());
}

TEST(H2Session, AfterTheHighestStreamIdItSaysGoodbyeAndServesIt) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(0x7fffffff, "/events");
  const auto goaway = client.next_of(h2::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 0U);
  server.publish("still here");
  EXPECT_TRUE(client.next_of(h2::kData));
  client.get(1, "/hello");
  const auto refused = client.next_of(h2::kGoaway);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->error_code() == 0 || refused->error_code() == 1 || refused->error_code() == 5);
  EXPECT_EQ(server.handler.handled, 1);
}

TEST(H2Session, DrainsWithTwoGoawaysAndEndsWhenItsStreamsHave) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/events");
  ASSERT_TRUE(eventually([&] { return server.handler.open_events == 1; }));

  server.server().drain();

  auto goaway = client.next_of(h2::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(h2::number_of(goaway->payload.substr(0, 4)), 0x7fffffffU);
  client.get(3, "/hello");  // was on its way
  EXPECT_EQ(client.answer(3).body, "hello");
  goaway = client.next_of(h2::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(h2::number_of(goaway->payload.substr(0, 4)), 3U);

  server.publish("goodbye");
  EXPECT_EQ(client.next_of(h2::kData)->payload, "goodbye");
  server.end_events();
  EXPECT_TRUE(server.server().wait_closed(std::chrono::seconds{1}) || client.socket.receive_all());
  client.socket.close();
  EXPECT_TRUE(server.server().wait_closed(std::chrono::seconds{5}));
}

TEST(H2Session, AnIdleConnectionThatIsDrainedAnswersWhatWasOnItsWayAndEnds) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/hello");
  ASSERT_EQ(client.answer(1).body, "hello");

  server.server().drain();

  auto goaway = client.next_of(h2::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(h2::number_of(goaway->payload.substr(0, 4)), 0x7fffffffU);
  client.get(3, "/hello");
  EXPECT_EQ(client.answer(3).body, "hello");
  goaway = client.next_of(h2::kGoaway);
  ASSERT_TRUE(goaway);
  EXPECT_EQ(h2::number_of(goaway->payload.substr(0, 4)), 3U);
  EXPECT_TRUE(client.socket.receive_all());
}

TEST(H2Session, StreamsGoOnAfterTheClientsGoaway) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/events");
  ASSERT_TRUE(eventually([&] { return server.handler.open_events == 1; }));
  client.send(h2::kGoaway, 0, 0, number(0, 8));
  server.publish("still here");

  EXPECT_EQ(client.next_of(h2::kData)->payload, "still here");
  server.end_events();
  EXPECT_TRUE(client.socket.receive_all()) << "open although the client has left";
}

TEST(H2Session, TellsThoseAboveTheConnectionLimitWhy) {
  TestServerSetup setup;
  setup.connections_max = 1;
  TestServer server{setup};
  TestH2 first{server.port()};
  first.get(1, "/hello");
  ASSERT_EQ(first.answer(1).body, "hello");

  TestH2 second{server.port()};
  second.get(1, "/hello");
  const auto answer = second.answer(1);

  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "too_many_connections");
  EXPECT_TRUE(second.socket.receive_all());
}

TEST(H2Session, JoinsCookieCrumbs) {
  TestServer server;
  TestH2 client{server.port()};
  client.get(1, "/fields", {{"cookie", "a=b"}, {"x", "y"}, {"cookie", "c=d"}});

  EXPECT_EQ(client.answer(1).body, "GET http here /fields \ncookie=a=b; c=d\nx=y\n");
}

TEST(H2Session, IsChosenByThePrefaceHoweverItComes) {
  TestServer server;
  TestH2 client{server.port(), "", /*begins=*/false};
  const std::string bytes = std::string{kPreface} + h2::frame(h2::kSettings, 0, 0);
  for (const char c : bytes) ASSERT_TRUE(client.socket.send({&c, 1}));
  client.get(1, "/hello");

  EXPECT_EQ(client.answer(1).body, "hello");
}

TEST(H2Session, WhatOnlyBeginsLikeThePrefaceIsARefusedRequest) {
  TestServer server;
  TestH2 client{server.port(), "", /*begins=*/false};
  client.socket.send("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n");

  EXPECT_TRUE(client.socket.receive_until("\r\n\r\n").starts_with("HTTP/1.1 400"));
}

TEST(H2Session, HeadersInPlaceOfSettingsEndTheConnection) {
  TestServer server;
  TestH2 client{server.port(), "", /*begins=*/false};
  client.socket.send(kPreface);
  client.get(1, "/hello");

  const auto goaway = client.next_of(h2::kGoaway);

  ASSERT_TRUE(goaway);
  EXPECT_EQ(goaway->error_code(), 1U);
  EXPECT_EQ(server.handler.handled, 0);
}

// A header block whose every byte stands for a field of so many bytes: an entry of the dynamic table, and references.
struct HeaderBomb {
  static constexpr std::size_t kReferences = 16'000;

  // A request that puts the entry into the table, and is answered.
  static std::string fuse(std::size_t value_bytes) {
    std::string block = "\x82\x86\x84\x41\x04here";  // GET http / here
    block += '\x60';                                 // cookie, to be remembered
    std::size_t length = value_bytes - 127;
    for (block += '\x7f'; length >= 128; length /= 128) block += static_cast<char>(length % 128 + 128);
    block += static_cast<char>(length);
    return h2::frame(h2::kHeaders, h2::kEndStream | h2::kEndHeaders, 1, block + std::string(value_bytes, 'x'));
  }
  static std::string on(std::uint32_t stream) {
    return h2::frame(h2::kHeaders, h2::kEndStream | h2::kEndHeaders, stream,
                     "\x82\x86\x84\xbf" + std::string(kReferences, '\xbe'));
  }
  // Processor time of this thread for `count` of them.
  static double seconds(std::size_t value_bytes, std::uint32_t count) {
    MemoryConnection client;
    client.send(std::string{kPreface} + h2::frame(h2::kSettings, 0, 0) + fuse(value_bytes));
    const std::clock_t begin = std::clock();
    for (std::uint32_t i = 0; i < count; ++i) client.send(on(3 + 2 * i));
    EXPECT_TRUE(client.is_open());
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  }
};

TEST(H2Session, AHeaderBombIsCutAndTheConnectionGoesOn) {
  TestServer server;
  TestH2 client{server.port(), setting(4, 0)};
  client.socket.send(HeaderBomb::fuse(2000));
  ASSERT_EQ(client.answer(1).status, 404);
  for (std::uint32_t stream = 3; stream < 23; stream += 2) client.socket.send(HeaderBomb::on(stream));

  for (std::uint32_t stream = 3; stream < 23; stream += 2) {
    const auto reset = client.next_of(h2::kRst);
    ASSERT_TRUE(reset);
    EXPECT_EQ(reset->stream, stream);
    EXPECT_EQ(reset->error_code(), 0xbU);
  }
  EXPECT_EQ(server.handler.handled, 1);
  EXPECT_EQ(server.events(HttpEvent::too_large), 10);
  client.socket.send(h2::frame(h2::kHeaders, h2::kEndStream | h2::kEndHeaders, 23, "\x82\x86\x84\xbf"));
  EXPECT_EQ(client.answer(23).status, 404) << "the table is still the same on both sides";
}

TEST(H2Session, AHeaderBombOfLongFieldsCostsAsMuchAsOneOfShortOnes) {
  HeaderBomb::seconds(200, 10);  // warm
  const double of_short = HeaderBomb::seconds(200, 30);
  const double of_long = HeaderBomb::seconds(3500, 30);

  EXPECT_LT(of_long, 4 * of_short + 0.05) << "fields that nobody looks at are not read";
}

TEST(H2Session, ABombInTheTrailersOfARequestThatWasAnsweredIsCutToo) {
  HttpOptions options;
  options.body_bytes_max = 1000;
  MemoryConnection client{options};
  client.send(std::string{kPreface} + h2::frame(h2::kSettings, 0, 0, setting(4, 0)) + HeaderBomb::fuse(2000));
  // Refused for its length; the answer waits for the window.
  client.send(h2::frame(h2::kHeaders, h2::kEndHeaders, 3, "\x83\x86\x84\xbf") +
              h2::frame(h2::kData, 0, 3, std::string(16384, 'x')));
  client.peer.written.clear();
  client.send(
      h2::frame(h2::kHeaders, h2::kEndStream | h2::kEndHeaders, 3, std::string(HeaderBomb::kReferences, '\xbe')));

  EXPECT_NE(client.peer.written.find(h2::frame(h2::kRst, 0, 3, number(0xb, 4))), std::string::npos);
}

TEST(H2Session, CutAtAnyByteOfARequestReleasesEverything) {
  TestServer server;
  std::size_t size = 0;
  std::size_t cuts = 0;
  do {
    TestH2 client{server.port(), "", /*begins=*/false};
    const std::string bytes =
        std::string{kPreface} + h2::frame(h2::kSettings, 0, 0) +
        h2::frame(h2::kHeaders, h2::kEndHeaders, 1, client.deflate(TestH2::request("POST", "/events"))) +
        h2::frame(h2::kData, h2::kEndStream, 1, "hello");
    size = bytes.size();
    client.socket.send(std::string_view{bytes}.substr(0, cuts));
    if (cuts % 2 == 0) client.socket.reset();
  } while (++cuts <= size);

  EXPECT_TRUE(eventually([&] { return server.acceptor().counters().accepted == cuts; }));
  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0 && server.limit().count() == 0; }));
  EXPECT_EQ(server.handler.open_events, 0);
}

TEST(H2Session, ServesCurlByPriorKnowledgeAndIgnoresAnUpgrade) {
  TestServer server;
  Curl curl;
  curl.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  const CurlAnswer prior = curl.get(server.url("/bytes?2000000"));
  Curl upgrading;
  upgrading.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_0);
  const CurlAnswer upgrade = upgrading.get(server.url("/bytes?2000000"));

  EXPECT_EQ(prior.version, CURL_HTTP_VERSION_2_0);
  EXPECT_EQ(prior.body, pattern(2'000'000));
  EXPECT_EQ(upgrade.version, CURL_HTTP_VERSION_1_1);
  EXPECT_EQ(upgrade.body, pattern(2'000'000));
}

}  // namespace
}  // namespace tailgate::testing
