// What bodies may hold: for how long a request's may come, and how much all of a thread's take together.
#include <gtest/gtest.h>

#include <string>

#include "server/http/body_clock.h"
#include "server/http/memory_connection.h"
#include "server/http/open_exchange.h"
#include "server/http/request_rules.h"

namespace tailgate::testing {
namespace {

constexpr std::string_view kPost = "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 500000\r\n\r\n";

HttpOptions with_room(std::size_t bytes) {
  HttpOptions options;
  options.bodies_bytes_max = bytes;
  return options;
}

std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

TEST(BodyClock, WhatCameFasterIsNoCredit) {
  HttpOptions options;
  BodyClock clock{1'000};
  EXPECT_EQ(clock.deadline_ms(options), 11'000);
  clock.add(10'239, 5'000, options);
  EXPECT_EQ(clock.deadline_ms(options), 11'000);
  clock.add(1, 6'000, options);
  EXPECT_EQ(clock.deadline_ms(options), 16'000);
  clock.add(1'000'000, 7'000, options);
  EXPECT_EQ(clock.deadline_ms(options), 17'000);
  clock.skip(2'000, 20'000);
  EXPECT_EQ(clock.deadline_ms(options), 19'000);
  clock.skip(60'000, 20'000);
  EXPECT_EQ(clock.deadline_ms(options), 30'000);
}

TEST(BodyBounds, ABodyThatStopsAfterMuchOfItHasComeIsNotHeldForLong) {
  MemoryConnection client;
  client.send(kPost);
  client.send(std::string(499'999, 'x'));
  client.advance(9'000);
  EXPECT_EQ(client.peer.written, "");
  client.advance(1'500);

  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(client.thread.bodies.held_bytes(), 0U);
}

TEST(BodyBounds, ABodyWithoutRoomIsRefusedAndGivesBackWhatItHeld) {
  MemoryConnection client{with_room(200'000)};
  ByteBudget::Share others{client.thread.bodies};
  ASSERT_TRUE(others.resize(100'000));
  client.send(kPost);
  client.send(std::string(40'000, 'x'));
  EXPECT_EQ(client.peer.written, "");
  EXPECT_GE(client.thread.bodies.held_bytes(), 140'000U);
  client.send(std::string(100'000, 'x'));

  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(client.thread.bodies.held_bytes(), 100'000U);
  EXPECT_EQ(client.thread.counters.events.get(HttpEvent::no_room), 1);
  EXPECT_EQ(client.handler.handled, 0);
}

// It is held for no time, in one packet with its head or in the next one.
TEST(BodyBounds, ABodyThatComesAtOnceNeedsNoRoom) {
  MemoryConnection client{with_room(100'000)};
  ByteBudget::Share others{client.thread.bodies};
  ASSERT_TRUE(others.resize(100'000));
  constexpr std::string_view kHead = "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n";
  const std::string body(100, 'x');
  client.send(std::string{kHead} + body);
  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 200 OK");
  client.peer.written.clear();
  client.send(kHead);
  client.send(body);

  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 200 OK");
  EXPECT_EQ(client.thread.bodies.held_bytes(), 100'000U);
}

TEST(BodyBounds, ABodyThatIsAloneHasRoom) {
  MemoryConnection client{with_room(1'000)};
  client.send(kPost);
  client.send(std::string(500'000, 'x'));

  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 200 OK");
}

TEST(BodyBounds, AnAnswerIsHeldUntilItIsSent) {
  MemoryConnection client;
  client.peer.window = 50'000;
  client.send("GET /body?100000 HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_GE(client.thread.bodies.held_bytes(), 100'000U);
  client.peer.window = 1'000'000;
  client.run();

  EXPECT_GT(client.peer.written.size(), 100'000U);
  EXPECT_EQ(client.thread.bodies.held_bytes(), 0U);
}

TEST(BodyBounds, AnAnswerWithoutRoomIsRefusedButForSmallOnes) {
  MemoryConnection client{with_room(100'000)};
  ByteBudget::Share others{client.thread.bodies};
  ASSERT_TRUE(others.resize(100'000));
  client.send("GET /body?5000 HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(client.thread.counters.events.get(HttpEvent::no_room), 1);
  client.peer.written.clear();
  client.send("GET /body?4000 HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 200 OK");
  client.peer.written.clear();
  ASSERT_TRUE(others.resize(0));
  client.send("GET /body?5000 HTTP/1.1\r\nHost: here\r\n\r\n");

  EXPECT_EQ(status_of(client.peer.written), "HTTP/1.1 200 OK");
  EXPECT_EQ(client.thread.bodies.held_bytes(), 0U);
}

// A long poll counts its body as it grows, and says itself that there is no room.
TEST(BodyBounds, ARefusalOfTheHandlersOwnIsCountedToo) {
  struct Owner final : OpenExchange::Owner {
    void on_reply() override {}
  } owner;
  MemoryConnection client;
  OpenExchange exchange{client.thread, owner, Request{}};
  Response response;
  response.status = kNoRoom.status;
  response.problem = kNoRoom.code;
  exchange.respond(std::move(response));

  EXPECT_EQ(client.thread.counters.events.get(HttpEvent::no_room), 1);
}

}  // namespace
}  // namespace tailgate::testing
