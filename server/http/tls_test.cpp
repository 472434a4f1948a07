#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "server/http/test_curl.h"
#include "server/http/test_server.h"
#include "server/http/test_socket.h"
#include "server/net/test_certificate.h"
#include "tests/support/temp_dir.h"

namespace tailgate::testing {
namespace {

constexpr std::chrono::milliseconds kWait{5000};

class TlsListener : public ::testing::Test {
 protected:
  TlsListener() : authority_{"tailgate test"} {
    authority_.write(options_.cert_file = folder_ / "cert.pem", options_.key_file = folder_ / "key.pem");
  }

  void start(HttpOptions http = {}) {
    auto tls = TlsContext::load(options_);
    ASSERT_TRUE(tls) << tls.error().detail;
    tls_ = std::move(*tls);
    TestServerSetup setup;
    setup.http = std::move(http);
    setup.listen = "https://127.0.0.1:0";
    setup.tls = tls_.get();
    server_ = std::make_unique<TestServer>(setup);
  }

  std::unique_ptr<Curl> make_client() {
    auto curl = std::make_unique<Curl>();
    curl->set(CURLOPT_CAINFO, options_.cert_file.c_str());
    return curl;
  }

  // A TLS client by hand, over a socket that blocks.
  struct Client {
    CHandle<SSL_CTX, SSL_CTX_free> context{SSL_CTX_new(TLS_client_method())};
    std::unique_ptr<TestSocket> socket;
    CHandle<SSL, SSL_free> ssl;
    bool connect(std::uint16_t port, SSL_SESSION* session = nullptr) {
      socket = std::make_unique<TestSocket>(port);
      ssl.reset(SSL_new(context.get()));
      if (session != nullptr) SSL_set_session(ssl.get(), session);
      SSL_set_fd(ssl.get(), socket->fd());
      return SSL_connect(ssl.get()) == 1;
    }
    // Reads until what came ends so, however many records it comes in.
    std::string ask(std::string_view request, std::string_view end) {
      std::string answer;
      if (!request.empty() && SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) <= 0)
        return answer;
      std::array<char, 4096> bytes{};
      while (!answer.ends_with(end)) {
        const int got = SSL_read(ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (got <= 0) break;
        answer.append(bytes.data(), static_cast<std::size_t>(got));
      }
      return answer;
    }
  };

  test::TempDir folder_;
  TestCertificate authority_;
  TlsOptions options_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(TlsListener, SpeaksHttp2WithWhoOffersItAndHttp11WithOthers) {
  start();
  const auto client = make_client();

  client->set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  const CurlAnswer h2 = client->get(server_->url("/bytes?3000000"));
  client->set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  client->set(CURLOPT_FRESH_CONNECT, 1L);
  const CurlAnswer h1 = client->get(server_->url("/bytes?3000000"));

  EXPECT_EQ(h2.code, CURLE_OK);
  EXPECT_EQ(h2.version, CURL_HTTP_VERSION_2_0);
  EXPECT_EQ(h2.body, pattern(3'000'000));
  EXPECT_EQ(h1.code, CURLE_OK);
  EXPECT_EQ(h1.version, CURL_HTTP_VERSION_1_1);
  EXPECT_EQ(h1.body, pattern(3'000'000));
}

TEST_F(TlsListener, TellsHandlersThatTheSchemeIsHttps) {
  start();
  const auto client = make_client();

  EXPECT_TRUE(client->get(server_->url("/fields")).body.starts_with("GET https 127.0.0.1:"));
}

TEST_F(TlsListener, ServesTls12WithForwardSecrecyAndNothingOlder) {
  start();
  Client tls12;
  SSL_CTX_set_max_proto_version(tls12.context.get(), TLS1_2_VERSION);
  ASSERT_TRUE(tls12.connect(server_->port()));
  EXPECT_TRUE(tls12.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello").ends_with("hello"));

  Client tls11;
  SSL_CTX_set_min_proto_version(tls11.context.get(), 0);
  SSL_CTX_set_cipher_list(tls11.context.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_max_proto_version(tls11.context.get(), TLS1_1_VERSION);
  EXPECT_FALSE(tls11.connect(server_->port()));
}

TEST_F(TlsListener, OffersNoCipherThatHttp2Forbids) {
  start();
  for (const char* forbidden : {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
                                "AES256-SHA", "ECDHE-ECDSA-AES128-CCM8"}) {
    Client client;
    SSL_CTX_set_max_proto_version(client.context.get(), TLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(client.context.get(), forbidden) != 1) continue;  // not even this OpenSSL knows it
    EXPECT_FALSE(client.connect(server_->port())) << forbidden;
  }
}

TEST_F(TlsListener, ResumesSessionsAndTakesNoEarlyData) {
  start();
  Client first;
  ASSERT_TRUE(first.connect(server_->port()));
  ASSERT_TRUE(first.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello").ends_with("hello"));
  const CHandle<SSL_SESSION, SSL_SESSION_free> session{SSL_get1_session(first.ssl.get())};
  EXPECT_EQ(SSL_SESSION_get_max_early_data(session.get()), 0U);

  Client second;
  ASSERT_TRUE(second.connect(server_->port(), session.get()));

  EXPECT_EQ(SSL_session_reused(second.ssl.get()), 1);
  EXPECT_TRUE(second.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello").ends_with("hello"));
}

TEST_F(TlsListener, RefusesAClientThatOffersOnlyUnknownProtocols) {
  start();
  Client client;
  const unsigned char protocols[] = {3, 'f', 'o', 'o'};
  SSL_CTX_set_alpn_protos(client.context.get(), protocols, sizeof protocols);

  EXPECT_FALSE(client.connect(server_->port()));
  EXPECT_TRUE(eventually([&] { return server_->events(HttpEvent::tls_failed) == 1; }));
}

TEST_F(TlsListener, AnswersClearTextWithA400ThatCanBeRead) {
  start();
  for (const char* clear : {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    TestSocket client{server_->port()};
    client.send(clear);

    const auto answer = client.receive_all();

    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 400 Bad Request\r\n")) << *answer;
    EXPECT_TRUE(answer->ends_with(R"("detail":"Use https.","code":"tls_needed"})")) << *answer;
    const auto head_end = answer->find("\r\n\r\n") + 4;
    EXPECT_NE(answer->find("Content-Length: " + std::to_string(answer->size() - head_end)), std::string::npos);
  }
  EXPECT_TRUE(eventually([&] { return server_->events(HttpEvent::clear_on_tls) == 2; }));
  EXPECT_EQ(server_->handler.handled, 0);
}

TEST_F(TlsListener, ClosesOnWhoDribblesItsClientHello) {
  HttpOptions http;
  http.tls_handshake_ms = 300;
  start(http);
  TestSocket client{server_->port()};
  client.send("\x16\x03\x01\x02");

  EXPECT_TRUE(client.receive_all(kWait));
  EXPECT_EQ(server_->events(HttpEvent::timeout_handshake), 1);
}

TEST_F(TlsListener, ServesAClientHelloInFragments) {
  start();
  Client client;
  client.socket = std::make_unique<TestSocket>(server_->port());
  client.ssl.reset(SSL_new(client.context.get()));
  SSL_set_bio(client.ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(client.ssl.get());
  ASSERT_EQ(SSL_do_handshake(client.ssl.get()), -1);
  std::string hello(4096, '\0');
  hello.resize(static_cast<std::size_t>(BIO_read(SSL_get_wbio(client.ssl.get()), hello.data(), 4096)));
  for (const char c : hello) ASSERT_TRUE(client.socket->send({&c, 1}));

  const auto answer = client.socket->receive(kWait);

  ASSERT_TRUE(answer);
  ASSERT_GT(answer->size(), 5U);
  EXPECT_EQ((*answer)[0], 0x16) << "not a handshake record";
}

// The first byte comes before, while and after the server looks for it: none of these is clear text.
TEST_F(TlsListener, EveryHandshakeIsServedWheneverItsFirstByteComes) {
  start();
  for (int i = 0; i < 300; ++i) {
    Client client;
    ASSERT_TRUE(client.connect(server_->port())) << i;
    ASSERT_TRUE(client.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello").ends_with("hello")) << i;
  }
}

TEST_F(TlsListener, AbortedHandshakesLeaveNothingBehind) {
  start();
  for (int i = 0; i < 50; ++i) {
    TestSocket client{server_->port()};
    client.send(std::string_view{"\x16\x03\x01\x00\x05hello", 10});
  }
  EXPECT_TRUE(eventually([&] { return server_->acceptor().counters().accepted == 50; }));
  EXPECT_TRUE(eventually([&] { return server_->open_connections() == 0 && server_->limit().count() == 0; }));
  EXPECT_GT(server_->events(HttpEvent::tls_failed), 0);
}

TEST_F(TlsListener, AnAddressThatOnlyBeginsHandshakesIsNotHeardForAWhileAndOthersAre) {
  HttpOptions http;
  http.handshake_failures_per_second = 1;
  start(http);
  Client before;
  ASSERT_TRUE(before.connect(server_->port()));
  int attempts = 0;
  ASSERT_TRUE(eventually([&] {
    TestSocket client{server_->port()};
    client.send(std::string_view{"\x16\x03\x01\x00\x05hello", 10});
    ++attempts;
    return server_->events(HttpEvent::refused_handshake) > 0;
  }));
  EXPECT_GE(attempts, HandshakeBudget::kBurstSeconds);

  Client refused;
  EXPECT_FALSE(refused.connect(server_->port()));
  EXPECT_EQ(before.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello").substr(0, 15), "HTTP/1.1 200 OK");
  auto other = make_client();
  other->set(CURLOPT_INTERFACE, "127.0.0.2");
  EXPECT_EQ(other->get("https://127.0.0.1:" + std::to_string(server_->port()) + "/hello").status, 200);
  EXPECT_TRUE(eventually([&] { return server_->limit().count() <= 2; }));
}

TEST_F(TlsListener, TakesTheNewCertificateAndKeepsTheOldOneWhenTheNewOneIsBad) {
  start();
  const TestCertificate replacement{"the new one"};
  const TestCertificate other{"another"};
  const TestCertificate expired{"expired", nullptr, -60};
  const auto is_served = [&](const char* name) {
    Client client;
    if (!client.connect(server_->port())) return false;
    const CHandle<X509, X509_free> shown{SSL_get1_peer_certificate(client.ssl.get())};
    std::string text(64, '\0');
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, text.data(), 64);
    return text.substr(0, static_cast<std::size_t>(size)) == name;
  };

  replacement.write(options_.cert_file, options_.key_file);
  EXPECT_TRUE(tls_->reload());
  EXPECT_TRUE(is_served("the new one"));

  other.write(options_.cert_file, folder_ / "unused.pem");  // the key of the one before
  EXPECT_FALSE(tls_->reload());
  expired.write(options_.cert_file, options_.key_file);
  EXPECT_FALSE(tls_->reload());
  std::filesystem::remove(options_.cert_file);
  EXPECT_FALSE(tls_->reload());
  EXPECT_TRUE(is_served("the new one"));
}

TEST_F(TlsListener, WithAClientAuthorityServesOnlyWhoShowsACertificate) {
  const TestCertificate friendly{"friend", &authority_};
  friendly.write(folder_ / "friend.pem", folder_ / "friend-key.pem");
  const TestCertificate stranger{"stranger"};
  stranger.write(folder_ / "stranger.pem", folder_ / "stranger-key.pem");
  options_.client_ca_file = options_.cert_file;
  start();

  const auto ask = [&](const std::string& cert, const std::string& key) {
    const auto client = make_client();
    if (!cert.empty()) {
      client->set(CURLOPT_SSLCERT, cert.c_str());
      client->set(CURLOPT_SSLKEY, key.c_str());
    }
    return client->get(server_->url("/hello")).status;
  };

  EXPECT_EQ(ask(folder_ / "friend.pem", folder_ / "friend-key.pem"), 200);
  EXPECT_EQ(ask(folder_ / "stranger.pem", folder_ / "stranger-key.pem"), 0);
  EXPECT_EQ(ask("", ""), 0);
}

TEST_F(TlsListener, SlowReadersGetEveryByte) {
  start();
  const auto client = make_client();
  client->set(CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(1'500'000));
  client->set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);

  EXPECT_EQ(client->get(server_->url("/body?2000000")).body, pattern(2'000'000));
}

TEST_F(TlsListener, AnEventIsSentWhenItComes) {
  start();
  Client client;
  ASSERT_TRUE(client.connect(server_->port()));
  ASSERT_TRUE(client.ask("GET /events HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n").starts_with("HTTP/1.1 200"));
  server_->publish("news");

  EXPECT_EQ(client.ask("", "news\r\n"), "4\r\nnews\r\n");
}

}  // namespace
}  // namespace tailgate::testing
