// The same bytes sent to tailgate itself, through HAProxy and through nginx, as deploy/ configures them: what is sound
// is answered the same and counted for the same caller, what is not is refused on every way, and no way makes two
// requests of what is one.
#include <gtest/gtest.h>

#include <array>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/balancers.h"
#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using namespace std::string_literals;

// Stands where only another framing would find a request. HIDDEN-00-w becomes a name of the same length.
const std::string kHidden = "GET /topics/HIDDEN-00-w HTTP/1.1\r\nHost: t\r\n\r\n";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string hex(std::size_t number) {
  std::string text;
  for (; number > 0; number /= 16) text.insert(text.begin(), "0123456789abcdef"[number % 16]);
  return text;
}

// One request, with SEEN as the name of its topic.
std::string get(const std::string& fields, const std::string& body = "", const std::string& method = "GET") {
  return method + " /topics/SEEN HTTP/1.1\r\nHost: t\r\n" + fields + "\r\n" + body;
}
std::string with_length(const std::string& body) { return "Content-Length: " + std::to_string(body.size()) + "\r\n"; }
std::string chunk(const std::string& bytes) { return hex(bytes.size()) + "\r\n" + bytes + "\r\n"; }

class SameRequest : public testing::Test {
 protected:
  SameRequest() {
    const std::vector<Backend> backends{{server.port(), server.admin_port()}};
    haproxy = Balancer::haproxy(backends);
    nginx = Balancer::nginx(backends);
    ways = {{{"direct", server.port()}, {"haproxy", haproxy->port()}, {"nginx", nginx->port()}}};
  }

  struct Way {
    std::string name;
    int port = 0;
  };

  // The status of the first answer; 0: closed without one.
  int send(const Way& way, const std::string& bytes) const {
    RawConnection connection{way.port, {.from = 2}};
    connection.write(bytes);
    try {
      return connection.read_response(in(std::chrono::seconds{15})).status;
    } catch (const std::exception&) {
      return 0;
    }
  }
  // Named for the case and the way.
  static std::string named(const std::string& bytes, std::size_t which, const Way& way) {
    const std::string end = "-" + std::to_string(10 + which) + "-" + way.name.substr(0, 1);
    return replaced(replaced(bytes, "SEEN", "seen" + end), "HIDDEN-00-w", "hidden" + end);
  }
  // What comes next on the balancers' connections to tailgate is answered as it was asked.
  void expect_whole(const Way& way, const std::string& after) const {
    const RawConnection::Options from{.from = 2};
    RawConnection next{way.port, from};
    next.write("GET /topics HTTP/1.1\r\nHost: t\r\n\r\n");
    const auto answer = next.read_response();
    EXPECT_EQ(answer.status, 200) << way.name << " after " << after;
    EXPECT_TRUE(answer.body.starts_with(R"({"topics":)")) << way.name << " after " << after << ": " << answer.body;
  }
  // What was taken for a request and is none.
  std::string found_hidden() const {
    std::string found;
    std::istringstream log{server.log()};
    for (std::string line; std::getline(log, line);) {
      const std::size_t at = line.find("/topics/hidden-");
      if (at != line.npos) found += line.substr(at, std::string_view{"/topics/hidden-00-w"}.size()) + " ";
    }
    return found;
  }

  // Balancers are trusted; clients come from 127.0.0.2, and are not.
  TailgateProcess server{
      {.command = "demo", .flags = {"--trusted-proxies", "127.0.0.1", "--forwarded-header", "x-forwarded-for"}}};
  std::unique_ptr<Balancer> haproxy;
  std::unique_ptr<Balancer> nginx;
  std::array<Way, 3> ways;
};

TEST_F(SameRequest, ThatIsSoundIsAnsweredTheSameAndCountedForTheSameCaller) {
  const std::vector<std::string> requests{
      get(""),
      get("X-Forwarded-For: 192.0.2.66\r\n"),
      get("X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-For: 127.0.0.1\r\n"),
      get("x-forwarded-for: 192.0.2.66, 127.0.0.1\r\nForwarded: for=192.0.2.67\r\n"),
      get("X_Forwarded_For: 192.0.2.66\r\n"),
      get("X-Real-IP: 192.0.2.66\r\nTrue-Client-IP: 192.0.2.66\r\n"),
      get("Connection: X-Forwarded-For\r\n"),
      get("Connection: keep-alive, X-Forwarded-For, Host\r\nX-Forwarded-For: 192.0.2.66\r\n"),
      get(with_length(kHidden), kHidden),
      get("Transfer-Encoding: chunked\r\n", chunk(kHidden) + "0\r\n\r\n"),
      get("transfer-encoding: CHUNKED\r\n", chunk(kHidden) + "0\r\n\r\n"),
      get("Transfer-Encoding: chunked\r\n", chunk("a") + chunk(kHidden) + "0\r\nX: y\r\n\r\n"),
      get("Transfer_Encoding: chunked\r\n" + with_length("0\r\n\r\n" + kHidden), "0\r\n\r\n" + kHidden),
      get("Content_Length: 0\r\n" + with_length(kHidden), kHidden),
      get("Connection: Content-Length\r\n" + with_length(kHidden), kHidden),
      get("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
      get(with_length(kHidden), kHidden, "PUT"),
      get(with_length(kHidden), kHidden, "DELETE"),
      "\r\n" + get(""),
      replaced(get(""), "/topics/SEEN", "/topics/SEEN/../x"),
      replaced(get(""), "/topics/SEEN", "//topics/SEEN"),
      replaced(get(""), "/topics/SEEN", "/topics/SEEN%2f..%2fx"),
      replaced(get(""), "/topics/SEEN", "/topics/SEEN?from=latest;limit=1"),
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    int direct = 0;  // the first of the ways
    for (const Way& way : ways) {
      const int status = send(way, named(requests[i], i, way));
      if (direct == 0) direct = status;
      EXPECT_GE(status, 200) << way.name << ": " << requests[i];
      EXPECT_EQ(status, direct) << way.name << ": " << requests[i];
      expect_whole(way, requests[i]);
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (const Way& way : ways) {
      const std::string path = named("/topics/SEEN", i, way);
      const auto line = [&] {
        const std::string log = server.log();
        const std::size_t at = log.find(path);
        return at == log.npos ? std::string{} : log.substr(at, log.find('\n', at) - at);
      };
      ASSERT_TRUE(eventually([&] { return !line().empty(); })) << path;
      EXPECT_NE(line().find(R"("client":"127.0.0.2")"), std::string::npos) << requests[i] << line();
    }
  }
  EXPECT_EQ(found_hidden(), "");
}

// HAProxy may mend what RFC 9112 lets a proxy mend (6.3: a length beside chunks is dropped; 5.2: a folded line is made
// one), and takes a length beyond 64 bits for none. What it passes on then has one meaning, and the next client's
// answer is its own.
TEST_F(SameRequest, WhoseFramingIsInDoubtIsRefusedOnEveryWay) {
  const std::string empty_chunks = "0\r\n\r\n" + kHidden;
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<std::string> mended{
      get(with_length(empty_chunks) + chunked, empty_chunks),
      get(chunked + "Content-Length: 4\r\n", chunk(kHidden) + "0\r\n\r\n"),
      get("Transfer-Encoding:\r\n chunked\r\n", empty_chunks),
      get("Content-Length: 18446744073709551616\r\n", kHidden),
  };
  const std::vector<std::string> refused{
      get(with_length(kHidden) + "Content-Length: 0\r\n", kHidden),
      get("Content-Length: 0\r\n" + with_length(kHidden), kHidden),
      get("Content-Length: 0, " + std::to_string(kHidden.size()) + "\r\n", kHidden),
      get("Content-Length: +0\r\n", kHidden),
      get("Content-Length: -1\r\n", kHidden),
      get("Content-Length: 0x0\r\n", kHidden),
      get("Content-Length : 0\r\n", kHidden),
      get("Content-Length: 0\r\n X: y\r\n", kHidden),
      get("Transfer-Encoding: gzip\r\n", empty_chunks),
      get("Transfer-Encoding: identity\r\n", empty_chunks),
      get("Transfer-Encoding: xchunked\r\n", empty_chunks),
      get("Transfer-Encoding: chunked, identity\r\n", empty_chunks),
      get(chunked + "Transfer-Encoding: identity\r\n", empty_chunks),
      get("Transfer-Encoding: \vchunked\r\n", empty_chunks),
      get("Transfer-Encoding: chunked\f\r\n", empty_chunks),
      get("Transfer-Encoding : chunked\r\n", empty_chunks),
      get(" Transfer-Encoding: chunked\r\n", empty_chunks),
      get("X: y\rTransfer-Encoding: chunked\r\n", empty_chunks),
      get("X: y\0Transfer-Encoding: chunked\r\n"s, empty_chunks),
      replaced(get(chunked, empty_chunks), "SEEN HTTP/1.1", "SEEN HTTP/1.0"),
      replaced(get("", kHidden), "SEEN HTTP/1.1", "SEEN HTTP/1.9x"),
      get(chunked, "x\r\n" + kHidden),
      get(chunked, "10000000000000000\r\n" + kHidden),
      get(chunked, "-1\r\n" + kHidden),
      get(chunked, "0x0\r\n\r\n" + kHidden),
      get(chunked, "1\r\nab0\r\n\r\n" + kHidden),
      get("", kHidden, "GE\x01T"),
      replaced(get(""), "Host: t", "Host: t\r\nHost: u"),
      replaced(get(""), "Host: t\r\n", ""),
      replaced(get(""), "SEEN", "SEEN x"),
  };
  const auto send_all = [this](const std::vector<std::string>& requests, std::size_t first, bool may_be_mended) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (const Way& way : ways) {
        const int status = send(way, named(requests[i], first + i, way));
        const bool is_mended = may_be_mended && way.name == "haproxy";
        EXPECT_TRUE(status == 0 || status >= 400 || is_mended) << way.name << " says " << status << ": " << requests[i];
        expect_whole(way, requests[i]);
      }
    }
  };
  send_all(refused, 0, false);
  EXPECT_EQ(found_hidden(), "");
  send_all(mended, refused.size(), true);
  EXPECT_EQ(found_hidden().find("-d "), std::string::npos) << found_hidden();
  EXPECT_EQ(found_hidden().find("-n "), std::string::npos) << found_hidden();
}

}  // namespace
}  // namespace tailgate::test
