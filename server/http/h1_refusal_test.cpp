// What is not exactly an HTTP/1.1 request is answered as the table says, the connection closed, and nothing behind it
// handled.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/http/h1_head.h"
#include "server/http/test_server.h"
#include "server/http/test_socket.h"

namespace tailgate::testing {
namespace {

constexpr std::string_view kNext = "GET /hello HTTP/1.1\r\nHost: smuggled\r\n\r\n";

int status_of(std::string_view answer) {
  int status = 0;
  if (answer.starts_with("HTTP/1.1 ")) std::from_chars(answer.data() + 9, answer.data() + 12, status);
  return status;
}

struct Case {
  const char* what;
  std::string request;
  int status;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.what; }

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string with_field(std::string_view field) {
  return "GET /fields HTTP/1.1\r\nHost: here\r\n" + std::string{field} + "\r\n\r\n";
}

std::string with_line(std::string_view line) { return std::string{line} + "\r\nHost: here\r\n\r\n"; }

std::string with_body(std::string_view field, std::string_view body) {
  return "POST /echo HTTP/1.1\r\nHost: here\r\n" + std::string{field} + "\r\n\r\n" + std::string{body};
}

const std::vector<Case>& refused() {
  static const std::vector<Case> cases{
      {"unknown coding", with_body("Transfer-Encoding: gzip", ""), 501},
      {"unknown coding before chunked", with_body("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501},
      {"coding that ends in chunked", with_body("Transfer-Encoding: xchunked", "0\r\n\r\n"), 501},
      {"identity", with_body("Transfer-Encoding: identity", ""), 400},
      {"empty coding", with_body("Transfer-Encoding:", ""), 400},
      {"quoted coding", with_body("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), 400},
      {"chunked twice", with_body("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 400},
      {"two codings", with_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400},
      {"a known and an unknown coding", with_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", "0\r\n\r\n"),
       400},
      {"vertical tab before chunked",
       with_body("Transfer-Encoding: \x0b"
                 "chunked",
                 "0\r\n\r\n"),
       400},
      {"form feed behind chunked", with_body("Transfer-Encoding: chunked\x0c", "0\r\n\r\n"), 400},
      {"space before the colon", with_body("Transfer-Encoding : chunked", "0\r\n\r\n"), 400},
      {"coding and length", with_body("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400},
      {"length and coding", with_body("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400},
      {"HTTP/1.0 with chunked", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", with_body("Content-Length: 5\r\nContent-Length: 5", "hello"), 400},
      {"two lengths that differ", with_body("Content-Length: 5\r\nContent-Length: 6", "hello"), 400},
      {"list of lengths", with_body("Content-Length: 5, 5", "hello"), 400},
      {"signed length", with_body("Content-Length: +5", "hello"), 400},
      {"negative length", with_body("Content-Length: -5", ""), 400},
      {"hexadecimal length", with_body("Content-Length: 0x5", "hello"), 400},
      {"empty length", with_body("Content-Length:", ""), 400},
      {"length of 2^64", with_body("Content-Length: 18446744073709551616", ""), 400},
      {"length above the limit", with_body("Content-Length: 1048577", ""), 413},
      {"large length on a GET", with_field("Content-Length: 65537"), 413},
      {"chunk above the limit", with_body("Transfer-Encoding: chunked", "100001\r\n"), 413},
      {"chunk of 2^64", with_body("Transfer-Encoding: chunked", "10000000000000000\r\n"), 400},
      {"signed chunk", with_body("Transfer-Encoding: chunked", "+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"chunk with 0x", with_body("Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"chunk without size", with_body("Transfer-Encoding: chunked", "\r\nhello\r\n0\r\n\r\n"), 400},
      {"chunk longer than its size", with_body("Transfer-Encoding: chunked", "5\r\nhello6\r\n0\r\n\r\n"), 400},
      {"chunk line that ends in LF", with_body("Transfer-Encoding: chunked", "5\nhello\r\n0\r\n\r\n"), 400},
      {"chunk that ends in LF", with_body("Transfer-Encoding: chunked", "5\r\nhello\n0\r\n\r\n"), 400},
      {"space behind the size", with_body("Transfer-Encoding: chunked", "5 \r\nhello\r\n0\r\n\r\n"), 400},
      {"extension with CR", with_body("Transfer-Encoding: chunked", "5;a\rb\r\nhello\r\n0\r\n\r\n"), 400},
      {"endless extension", with_body("Transfer-Encoding: chunked", "5;" + std::string(300, 'x') + "\r\n"), 400},
      {"trailers above the limit",
       with_body("Transfer-Encoding: chunked", "0\r\n" + repeat("X-T: " + std::string(90, 'x') + "\r\n", 95) + "\r\n"),
       431},
      {"endless trailer", with_body("Transfer-Encoding: chunked", "0\r\nX: " + std::string(9000, 'x')), 431},
      {"folded field", with_field("X-A: b\r\n c"), 400},
      {"folded field by tab", with_field("X-A: b\r\n\tc"), 400},
      {"white space before the first field", "GET /fields HTTP/1.1\r\n Host: here\r\n\r\n", 400},
      {"no field name", with_field(": value"), 400},
      {"no colon", with_field("X-A"), 400},
      {"field name with braces", with_field("{}: a"), 400},
      {"field name with a space", with_field("X A: b"), 400},
      {"NUL in a value", with_field(std::string_view{"X-A: b\0c", 8}), 400},
      {"bare CR in a value", with_field("X-A: b\rc"), 400},
      {"DEL in a value", with_field("X-A: b\x7f"), 400},
      {"lines that end in LF", "GET /fields HTTP/1.1\nHost: here\n\n", 400},
      {"one line that ends in LF", "GET /fields HTTP/1.1\r\nHost: here\nX: y\r\n\r\n", 400},
      {"target above the limit", with_line("GET /" + std::string(12 * 1024 + 200, 'x') + " HTTP/1.1"), 414},
      {"target of 64 KB", with_line("GET /" + std::string(64 * 1024, 'x') + " HTTP/1.1"), 414},
      {"target without an end", "GET /" + std::string(13 * 1024, 'x'), 414},
      {"fields above the limit", with_field(repeat("X-A: " + std::string(1000, 'x') + "\r\n", 17) + "X: y"), 431},
      {"one field above the limit", with_field("Cookie: " + std::string(16 * 1024, 'x')), 431},
      {"field without an end", "GET / HTTP/1.1\r\nCookie: " + std::string(17 * 1024, 'x'), 431},
      {"too many fields", with_field(repeat("A: b\r\n", 100) + "A: b"), 431},
      {"method in lower case", with_line("get /fields HTTP/1.1"), 501},
      {"method that is no token", with_line("G{T /fields HTTP/1.1"), 400},
      {"method of 100 characters", with_line(std::string(100, 'A') + " /fields HTTP/1.1"), 501},
      {"method of 300 characters", with_line(std::string(300, 'A') + " /fields HTTP/1.1"), 501},
      {"TRACE", with_line("TRACE /fields HTTP/1.1"), 501},
      {"CONNECT", with_line("CONNECT here:443 HTTP/1.1"), 501},
      {"PRI that is no preface", with_line("PRI /fields HTTP/1.1"), 400},
      {"no version", "GET /fields\r\n\r\n", 400},
      {"HTTP/2.0", with_line("GET /fields HTTP/2.0"), 400},
      {"HTTP/1.2", with_line("GET /fields HTTP/1.2"), 400},
      {"http/1.1", with_line("GET /fields http/1.1"), 400},
      {"two spaces in the request line", with_line("GET  /fields HTTP/1.1"), 400},
      {"space in the target", with_line("GET /fie lds HTTP/1.1"), 400},
      {"tab in the request line", with_line("GET\t/fields HTTP/1.1"), 400},
      {"space behind the version", with_line("GET /fields HTTP/1.1 "), 400},
      {"NUL in the target", with_line(std::string_view{"GET /fie\0lds HTTP/1.1", 21}), 400},
      {"fragment in the target", with_line("GET /fields#a HTTP/1.1"), 400},
      {"target without a slash", with_line("GET fields HTTP/1.1"), 400},
      {"authority as the target of a GET", with_line("GET here:80 HTTP/1.1"), 400},
      {"asterisk as the target of a GET", with_line("GET * HTTP/1.1"), 400},
      {"absolute target of another host", with_line("GET http://evil/fields HTTP/1.1"), 400},
      {"absolute target of another scheme", with_line("GET https://here/fields HTTP/1.1"), 421},
      {"absolute target with user information", with_line("GET http://me@here/fields HTTP/1.1"), 400},
      {"no Host", "GET /fields HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", with_field("Host: here"), 400},
      {"empty Host", "GET /fields HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"Host with user information", "GET /fields HTTP/1.1\r\nHost: me@here\r\n\r\n", 400},
      {"Host with a path", "GET /fields HTTP/1.1\r\nHost: here/there\r\n\r\n", 400},
      {"Host with a space", "GET /fields HTTP/1.1\r\nHost: he re\r\n\r\n", 400},
      {"Host with two ports", "GET /fields HTTP/1.1\r\nHost: here:1:2\r\n\r\n", 400},
      {"Host with a port that is none", "GET /fields HTTP/1.1\r\nHost: here:http\r\n\r\n", 400},
      {"Host with brackets and no address", "GET /fields HTTP/1.1\r\nHost: [here]\r\n\r\n", 400},
      {"unknown expectation", with_field("Expect: a miracle"), 417},
      {"WebSocket with a body", with_body("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5", "hello"),
       400},
      {"upgrade in HTTP/1.0", "GET /fields HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400},
  };
  return cases;
}

class H1Refusal : public ::testing::TestWithParam<Case> {};

TEST_P(H1Refusal, IsAnsweredAndNothingBehindItIsHandled) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(GetParam().request + std::string{kNext});

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer) << "still open";
  EXPECT_EQ(status_of(*answer), GetParam().status) << *answer;
  EXPECT_EQ(answer->find("HTTP/1.1", 1), std::string::npos) << "answered twice: " << *answer;
  EXPECT_NE(answer->find("\r\nConnection: close\r\n"), std::string::npos) << *answer;
  EXPECT_EQ(server.handler.handled, 0);
  EXPECT_EQ(server.events(HttpEvent::bad_h1_framing) + server.events(HttpEvent::too_large), 1);
}

TEST_P(H1Refusal, IsTheSameInSmallPieces) {
  TestServer server;
  TestSocket client{server.port()};
  std::string_view rest = GetParam().request;
  const std::size_t piece = rest.size() / 1000 + 1;
  while (!rest.empty()) {
    if (!client.send(rest.substr(0, piece))) break;  // answered and closed before the end
    rest.remove_prefix(std::min(piece, rest.size()));
  }

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer) << "still open";
  EXPECT_EQ(status_of(*answer), GetParam().status) << *answer;
  EXPECT_EQ(server.handler.handled, 0);
}

std::string name_of(const ::testing::TestParamInfo<Case>& entry) {
  std::string name = entry.param.what;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name + '_' + std::to_string(entry.index);
}

INSTANTIATE_TEST_SUITE_P(Rows, H1Refusal, ::testing::ValuesIn(refused()), name_of);

struct Served {
  const char* what;
  std::string request;
  std::string body;
};

void PrintTo(const Served& row, std::ostream* out) { *out << row.what; }

const std::vector<Served>& served() {
  static const std::vector<Served> cases{
      {"empty line before it", "\r\nGET /hello HTTP/1.1\r\nHost: here\r\n\r\n", "hello"},
      {"absolute target of this host", "GET http://here/fields?a HTTP/1.1\r\nHost: HERE\r\n\r\n",
       "GET http here /fields a\nhost=HERE\n"},
      {"absolute target without a path", "OPTIONS http://here?q HTTP/1.1\r\nHost: here\r\n\r\n", ""},
      {"asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", ""},
      {"HTTP/1.0 without Host", "GET /fields HTTP/1.0\r\n\r\n", "GET http  /fields \n"},
      {"IPv6 host", "GET /fields HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET http [::1]:80 /fields \nhost=[::1]:80\n"},
      {"upgrade to anything",
       "GET /hello HTTP/1.1\r\nHost: here\r\nUpgrade: h2c, foo\r\nConnection: Upgrade, HTTP2-Settings\r\n"
       "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
       "hello"},
      {"ranges and codings",
       "GET /hello HTTP/1.1\r\nHost: here\r\nRange: bytes=1-2\r\nIf-Range: x\r\nAccept-Encoding: gzip;q=0, "
       "br, deflate\r\n\r\n",
       "hello"},
      {"a thousand codings",
       "GET /hello HTTP/1.1\r\nHost: here\r\nAccept-Encoding: " + repeat("gzip;q=0, ", 1000) + "br\r\n\r\n", "hello"},
      {"field with an underscore", "GET /fields HTTP/1.1\r\nHost: here\r\nTransfer_Encoding: chunked\r\n\r\n",
       "GET http here /fields \nhost=here\ntransfer_encoding=chunked\n"},
      {"white space around a value", "GET /fields HTTP/1.1\r\nHost:\t here \t\r\n\r\n",
       "GET http here /fields \nhost=here\n"},
      {"a value beyond ASCII", "GET /fields HTTP/1.1\r\nHost: here\r\nX: \xc3\xa4\r\n\r\n",
       "GET http here /fields \nhost=here\nx=\xc3\xa4\n"},
      {"body by its length", with_body("Content-Length: 5", "hello"), "hello"},
      {"chunked body", with_body("Transfer-Encoding: Chunked", "3\r\nhel\r\n00002;ext=\"a\"\r\nlo\r\n0\r\n\r\n"),
       "hello"},
      {"chunked body with trailers",
       with_body("Transfer-Encoding: chunked",
                 "5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 9\r\nAuthorization: x\r\n\r\n"),
       "hello"},
      {"GET with a body", "GET /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody", "body"},
      {"100 fields", with_field(repeat("A: b\r\n", 98) + "A: b"),
       "GET http here /fields \nhost=here\n" + repeat("a=b\n", 99)},
  };
  return cases;
}

class H1Served : public ::testing::TestWithParam<Served> {};

std::string body_of(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "no answer" : answer.substr(end + 4);
}

TEST_P(H1Served, IsUnderstoodInOnePieceAndByteByByte) {
  TestServer server;
  TestSocket at_once{server.port()};
  at_once.send(GetParam().request);
  at_once.finish_sending();
  const auto first = at_once.receive_all();

  TestSocket bytewise{server.port()};
  for (const char c : GetParam().request) ASSERT_TRUE(bytewise.send({&c, 1}));
  bytewise.finish_sending();
  const auto second = bytewise.receive_all();

  ASSERT_TRUE(first && second);
  EXPECT_EQ(body_of(*first), GetParam().body) << *first;
  EXPECT_EQ(body_of(*second), GetParam().body) << *second;
  EXPECT_EQ(server.handler.handled, 2);
}

INSTANTIATE_TEST_SUITE_P(Rows, H1Served, ::testing::ValuesIn(served()), [](const auto& entry) {
  std::string name = entry.param.what;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

TEST(H1Session, AnswerFieldsNeverBreakIntoTwo) {
  TestServer server;
  TestSocket client{server.port()};
  client.send("GET /split HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(*answer), 200);
  EXPECT_EQ(answer->find("Injected"), std::string::npos) << *answer;
}

TEST(OriginIn, IsFoundInAHeadThatIsNotReadAsOne) {
  EXPECT_EQ(origin_in("GET / HTTP/1.1\r\nHost: t\r\nORIGIN:  https://a.example \r\nX: y"), "https://a.example");
  EXPECT_EQ(origin_in("GET / HTTP/1.1\nOrigin:https://a.example\n"), "https://a.example");
  EXPECT_EQ(origin_in("GET /?origin: HTTP/1.1\r\nX-Origin: https://a.example\r\n"), "");
  EXPECT_EQ(origin_in("GET / HTTP/1.1\r\nOrigin: https://a.exam"), "") << "not whole";
  EXPECT_EQ(origin_in("Origin:\r\n"), "");
  EXPECT_EQ(origin_in(""), "");
}

}  // namespace
}  // namespace tailgate::testing
