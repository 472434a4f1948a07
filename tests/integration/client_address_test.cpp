// Whose request it is, behind proxies and without: in the access line, and for the limit of connections.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/free_port.h"
#include "tests/support/http_client.h"
#include "tests/support/tailgate_process.h"

namespace tailgate::test {
namespace {

using namespace std::string_literals;

class ClientAddress : public testing::Test {
 protected:
  // A demo with a listener of its own for PROXY headers.
  std::unique_ptr<TailgateProcess> start(std::vector<std::string> flags, CertificateAuthority* authority = nullptr) {
    const std::string scheme = authority == nullptr ? "http" : "https";
    flags.insert(flags.end(), {"--listen", scheme + "://127.0.0.1:" + std::to_string(proxied_port_) + "?proxy=v1v2"});
    return std::make_unique<TailgateProcess>(
        TailgateOptions{.command = "demo", .flags = std::move(flags), .authority = authority});
  }
  static bool has_logged(const TailgateProcess& server, const std::string& client) {
    return eventually([&] { return server.log().find("\"client\":\"" + client + "\"") != std::string::npos; });
  }
  static std::string get(const std::string& fields = "") {
    return "GET /topics HTTP/1.1\r\nHost: t\r\n" + fields + "\r\n";
  }

  int proxied_port_ = free_port();
};

TEST_F(ClientAddress, IsThePeersWhereNobodyIsTrusted) {
  TailgateProcess server{{.command = "demo"}};
  RawConnection client{server.port()};
  client.write(get("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"));
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(has_logged(server, "127.0.0.1"));
  EXPECT_EQ(server.log().find("192.0.2.1"), std::string::npos);
}

TEST_F(ClientAddress, IsWhatATrustedProxySaysInTheField) {
  TailgateProcess server{
      {.command = "demo", .flags = {"--trusted-proxies", "127.0.0.0/8", "--forwarded-header", "x-forwarded-for"}}};
  for (const auto version : {HttpVersion::h1, HttpVersion::h2c}) {
    const auto last = version == HttpVersion::h1 ? "1"s : "2"s;
    EXPECT_EQ(fetch({.url = server.url("/topics"),
                     .version = version,
                     .headers = {"X-Forwarded-For: 198.51.100.7, 192.0.2." + last + ", 127.0.0.9"}})
                  .status,
              200);
    EXPECT_TRUE(has_logged(server, "192.0.2." + last));
  }
}

TEST_F(ClientAddress, IsWhatThePROXYHeaderSays) {
  const auto server = start({"--trusted-proxies", "127.0.0.1"});
  RawConnection v1{proxied_port_};
  v1.write("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n" + get());
  EXPECT_EQ(v1.read_response().status, 200);
  EXPECT_TRUE(has_logged(*server, "192.0.2.1"));
  RawConnection v2{proxied_port_};
  const auto header = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\2\x0a\0\0\1\x12\x67\0\x50"s + get();
  for (const char byte : header) v2.write({&byte, 1});
  EXPECT_EQ(v2.read_response().status, 200);
  EXPECT_TRUE(has_logged(*server, "192.0.2.2"));
  RawConnection check{proxied_port_};
  check.write("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s + get());
  EXPECT_EQ(check.read_response().status, 200);
  EXPECT_TRUE(has_logged(*server, "127.0.0.1"));
}

TEST_F(ClientAddress, ComesBeforeTls) {
  CertificateAuthority authority;
  const auto server = start({"--trusted-proxies", "127.0.0.1"}, &authority);
  RawConnection client{proxied_port_};
  client.write("PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n" + get());  // and no TLS behind it
  EXPECT_NE(client.read_response().body.find("tls_needed"), std::string::npos);
  EXPECT_EQ(run({"curl", "-s", "--haproxy-protocol", "--cacert", authority.ca_file(), "-o", "/dev/null", "-w",
                 "%{http_code}", "--resolve", "localhost:" + std::to_string(proxied_port_) + ":127.0.0.1",
                 "https://localhost:" + std::to_string(proxied_port_) + "/topics"}),
            "200");
}

TEST_F(ClientAddress, WhoSendsNoGoodHeaderIsClosedUpon) {
  const auto server = start({"--trusted-proxies", "127.0.0.1"});
  for (const auto& bytes : {get(), "PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n" + get(),
                            "PROXY " + std::string(200, 'x') + "\r\n", "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"s}) {
    RawConnection client{proxied_port_};
    client.write(bytes);
    EXPECT_EQ(client.read_to_end(), "") << bytes;
  }
  EXPECT_EQ(server->metric(R"(tailgate_http_events_total{event="bad_proxy_header"})"), 4);
}

TEST_F(ClientAddress, WhoIsNoTrustedProxyIsClosedUpon) {
  const auto server = start({"--trusted-proxies", "10.0.0.0/8"});
  RawConnection client{proxied_port_};
  client.write("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n" + get());
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(server->metric("tailgate_connections_untrusted_total"), 1);
}

TEST_F(ClientAddress, IsWhatConnectionsAreCountedFor) {
  const auto server = start({"--trusted-proxies", "127.0.0.1", "--connections-per-address", "2"});
  const auto response_to = [&](RawConnection& client, const std::string& address) {
    client.write("PROXY TCP6 " + address + " 2001:db8::2 4711 80\r\n" + get());
    return client.read_response();
  };
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<RawConnection>(proxied_port_));
  EXPECT_EQ(response_to(*clients[0], "2001:db8:0:1::1").status, 200);
  EXPECT_EQ(response_to(*clients[1], "2001:db8:0:1::2").status, 200);
  const HttpResponse refused = response_to(*clients[2], "2001:db8:0:1:ffff::3");
  EXPECT_EQ(refused.status, 429) << "the same /64";
  EXPECT_EQ(refused.headers.at("retry-after"), "10");
  EXPECT_EQ(refused.headers.at("ratelimit-policy"), R"("connections";q=2;qu="concurrent-requests")");
  EXPECT_EQ(refused.headers.at("ratelimit"), R"("connections";r=0;t=10)");
  EXPECT_EQ(response_to(*clients[3], "2001:db8:0:2::1").status, 200);
  clients[0].reset();
  EXPECT_TRUE(eventually([&] {
    RawConnection again{proxied_port_};
    return response_to(again, "2001:db8:0:1::9").status == 200;
  }));
}

}  // namespace
}  // namespace tailgate::test
