#include <gtest/gtest.h>

#include <string>

#include "server/http/test_server.h"
#include "server/http/test_socket.h"

namespace tailgate::testing {
namespace {

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: here\r\n" + std::string{more} + "\r\n";
}

// The payload of a chunked body; nothing when it is not complete.
std::optional<std::string> unchunk(std::string_view text) {
  std::string body;
  for (;;) {
    const auto line_end = text.find("\r\n");
    if (line_end == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    std::from_chars(text.data(), text.data() + line_end, size, 16);
    text.remove_prefix(line_end + 2);
    if (text.size() < size + 2) return std::nullopt;
    if (size == 0) return text == "\r\n" ? std::optional{body} : std::nullopt;
    body += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
}

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST(H1Stream, AnswersInFullAndKeepsTheConnection) {
  TestServer server;
  TestSocket client{server.port()};

  for (int i = 0; i < 3; ++i) {
    client.send(get("/hello"));
    const std::string answer = client.receive_until("hello");

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Length: 5\r\n"), std::string::npos);
    EXPECT_EQ(body_of(answer), "hello");
  }
}

TEST(H1Stream, SendsEachEventAsItComes) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/events"));
  ASSERT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));

  server.publish("one");
  EXPECT_EQ(client.receive_until("one\r\n"), "3\r\none\r\n");
  server.publish("two2");
  EXPECT_EQ(client.receive_until("two2\r\n"), "4\r\ntwo2\r\n");
  server.end_events();
  EXPECT_EQ(client.receive_until("0\r\n\r\n"), "0\r\n\r\n");

  client.send(get("/hello"));
  EXPECT_EQ(body_of(client.receive_until("hello")), "hello");
}

TEST(H1Stream, CarriesMegabytesUnchanged) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/bytes?5000000", "Connection: close\r\n"));

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  const auto body = unchunk(body_of(*answer));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), 5'000'000U);
  EXPECT_EQ(*body, pattern(5'000'000));
}

TEST(H1Stream, ToldByHttp10ThatTheBodyEndsWithTheConnection) {
  TestServer server;
  TestSocket client{server.port()};
  client.send("GET /bytes?100000 HTTP/1.0\r\n\r\n");

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(body_of(*answer), pattern(100'000));
}

TEST(H1Stream, HeadGetsTheFieldsAndNoBody) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(
      "HEAD /events HTTP/1.1\r\nHost: here\r\n\r\nHEAD /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ends_with("Content-Length: 5\r\nConnection: close\r\n\r\n")) << *answer;
  EXPECT_NE(answer->find("Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK"), std::string::npos) << *answer;
  EXPECT_EQ(server.handler.open_events, 0);
}

TEST(H1Stream, ThatIsCutEndsWithoutItsLastChunk) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/cut?1000"));

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_EQ(body_of(*answer), "3e8\r\n" + pattern(1000) + "\r\n");
}

TEST(H1Stream, WhoseClientLeavesIsReleased) {
  TestServer server;
  {
    TestSocket client{server.port()};
    client.send(get("/events"));
    client.receive_until("\r\n\r\n");
    ASSERT_EQ(server.handler.open_events, 1);
  }
  TestSocket resetting{server.port()};
  resetting.send(get("/events"));
  resetting.receive_until("\r\n\r\n");
  resetting.reset();

  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 0 && server.open_connections() == 0; }));
  EXPECT_EQ(server.limit().count(), 0U);
  ASSERT_EQ(server.observer.lines().size(), 2U);
  EXPECT_EQ(server.observer.lines().front().why, WhyEnded::client_closed);
}

TEST(H1Stream, AnAnswerThatComesLaterIsSentWhenItComes) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/later") + get("/hello"));
  ASSERT_TRUE(eventually([&] { return server.handler.open_later == 1; }));

  server.answer_later("at last");

  const std::string answers = client.receive_until("hello");
  EXPECT_LT(answers.find("at last"), answers.find("hello"));
  EXPECT_EQ(server.handler.open_later, 0);
}

}  // namespace
}  // namespace tailgate::testing
