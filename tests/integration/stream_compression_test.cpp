// Streams compressed for those who ask for it: curl over each version of HTTP, browsers, and what must not change.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/scripted/decoder.h"
#include "tests/support/certificates.h"
#include "tests/support/chromium.h"
#include "tests/support/firefox.h"
#include "tests/support/process.h"
#include "tests/support/stream_fixture.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

TailgateOptions with_codings(const std::string& topics, CertificateAuthority* authority, const std::string& gzip,
                             const std::string& zstd) {
  TailgateOptions options;
  options.kafka = shared_kafka();
  options.topics = topics;
  options.flags = {"--gzip=" + gzip, "--zstd=" + zstd, "--console=on", "--heartbeat=1s", "--retry=100ms"};
  options.authority = authority;
  return options;
}

class StreamCompression : public testing::Test {
 protected:
  explicit StreamCompression(const std::string& gzip = "on", const std::string& zstd = "on")
      : admin{shared_kafka()},
        producer{shared_kafka()},
        topic{admin.make_topic("compression")},
        path{"/streams/" + topic},
        server{with_codings(topic, &authority, gzip, zstd)} {}

  HttpResponse get(const std::string& query, const std::vector<std::string>& headers,
                   const std::string& method = "GET") {
    return fetch({.url = server.url(path + query), .headers = headers, .method = method});
  }
  // What curl makes of a stream. It fails where gzip's checksum at the end is wrong or missing.
  std::string curl(const std::vector<std::string>& how, const std::string& url) {
    std::vector<std::string> command{"curl",        "--silent",     "--show-error",
                                     "--no-buffer", "--compressed", "--max-time",
                                     "30",          "--cacert",     authority.ca_file().string(),
                                     "--output",    body.string()};
    command.insert(command.end(), how.begin(), how.end());
    command.push_back(url);
    run(command);
    return read_file(body);
  }
  std::optional<double> compressed(const std::string& what, const std::string& coding) {
    return server.metric("tailgate_compressed_" + what + "{coding=\"" + coding + "\"}");
  }
  // Of all streams that there are: their plain bytes grow though no record comes.
  void let_heartbeat_pass() {
    const auto before = server.metric("tailgate_bytes_out_total");
    EXPECT_TRUE(eventually([&] { return server.metric("tailgate_bytes_out_total") > before; }));
  }
  std::vector<NewRecord> orders(int count) {
    std::vector<NewRecord> records;
    for (int n = 0; n < count; ++n)
      records.push_back({.value = R"({"order":)" + std::to_string(n) + R"(,"status":"shipped","currency":"EUR"})"});
    return records;
  }

  TempDir folder;
  const std::filesystem::path body = folder.path() / "body";
  CertificateAuthority authority;
  KafkaAdmin admin;
  Producer producer;
  std::string topic;
  std::string path;
  TailgateProcess server;
};

TEST_F(StreamCompression, WhoAsksForItGetsItAndIsToldSo) {
  producer.send(topic, 0, orders(3));
  const auto plain = get("?until=now&from=earliest", {});
  EXPECT_FALSE(plain.headers.contains("content-encoding"));
  EXPECT_NE(plain.headers.at("vary").find("Accept-Encoding"), std::string::npos);

  for (const auto& [coding, begin] : {std::pair{"gzip", "\x1f\x8b"}, std::pair{"zstd", "\x28\xb5\x2f\xfd"}}) {
    const auto answer = get("?until=now&from=earliest", {std::string{"Accept-Encoding: "} + coding});
    EXPECT_EQ(answer.headers.at("content-encoding"), coding);
    EXPECT_NE(answer.headers.at("vary").find("Accept-Encoding"), std::string::npos);
    EXPECT_TRUE(answer.body.starts_with(begin));
    const auto head = get("", {std::string{"Accept-Encoding: "} + coding}, "HEAD");
    EXPECT_EQ(head.headers.at("content-encoding"), coding);
    EXPECT_EQ(head.body, "");
  }
}

TEST_F(StreamCompression, WhatIsShortOrRefusedIsNotCompressed) {
  for (const char* query : {"?as=json&wait=0", "?nonsense=1"})
    EXPECT_FALSE(get(query, {"Accept-Encoding: gzip, zstd"}).headers.contains("content-encoding")) << query;
  for (const char* refused : {"gzip;q=0", "zstd;q=0", "br", "identity, *;q=0"})
    EXPECT_FALSE(get("?until=now", {std::string{"Accept-Encoding: "} + refused}).headers.contains("content-encoding"))
        << refused;
}

TEST_F(StreamCompression, CurlReadsTheSameWithAndWithoutItOverEveryVersionOfHttp) {
  producer.send(topic, 0, orders(2'000));
  for (const char* as : {"sse", "ndjson"}) {
    const std::string query = path + "?from=earliest&until=now&as=" + as;
    // Behind the first line, which tells each SSE stream a wait of its own.
    const auto rest = [](const std::string& text) { return text.substr(std::min(text.find('\n'), text.size())); };
    const std::string expected = rest(fetch({.url = server.url(query)}).body);
    EXPECT_GT(expected.size(), 100'000U);
    for (const std::string coding : {"gzip", "zstd"}) {
      const std::string field = "Accept-Encoding: " + coding;
      EXPECT_TRUE(rest(curl({"--http1.1", "--header", field}, server.url(query))) == expected);
      EXPECT_TRUE(rest(curl({"--http2-prior-knowledge", "--header", field}, server.url(query))) == expected);
      EXPECT_TRUE(rest(curl({"--http2", "--header", field}, server.tls_url(query))) == expected);
    }
  }
  for (const char* coding : {"gzip", "zstd"})
    EXPECT_GT(compressed("plain_bytes_total", coding), 4 * *compressed("bytes_out_total", coding)) << coding;
}

TEST_F(StreamCompression, LiveEventsReachManyCurlsAndAreCompressedOnce) {
  constexpr int kCurls = 8;  // half of them say nothing else than --compressed: those get zstd
  constexpr int kRecords = 40;
  std::vector<std::unique_ptr<Process>> curls;
  for (int n = 0; n < kCurls; ++n) {
    const std::string version = n % 2 == 0 ? "--http1.1" : "--http2-prior-knowledge";
    std::vector<std::string> command{"curl", "--silent", "--no-buffer", "--compressed", version, server.url(path)};
    if (n < kCurls / 2) command.insert(command.end(), {"--header", "Accept-Encoding: gzip"});
    curls.push_back(std::make_unique<Process>(command, folder.path() / std::to_string(n)));
  }
  const auto got = [&](int n) { return read_file(folder.path() / std::to_string(n)); };
  const auto all_have = [&](const std::string& text) {
    return eventually([&] {
      for (int n = 0; n < kCurls; ++n)
        if (got(n).find(text) == std::string::npos) return false;
      return true;
    });
  };
  ASSERT_TRUE(all_have("event: position"));
  for (int n = 0; n < kRecords; ++n) {
    producer.send(topic, 0, numbered(1, n));
    ASSERT_TRUE(all_have("data: " + number(n) + "\n")) << n << " does not wait for the next";
  }
  ASSERT_TRUE(all_have("\n:\n")) << "a heartbeat";
  for (int n = 0; n < kCurls; ++n) {
    std::vector<std::string> expected;
    for (int r = 0; r < kRecords; ++r) expected.push_back(number(r));
    EXPECT_EQ(messages_of(events_of(got(n))), expected);
  }
  for (const char* coding : {"gzip", "zstd"}) {
    EXPECT_EQ(compressed("streams", coding), kCurls / 2) << coding;
    EXPECT_GT(compressed("plain_bytes_total", coding), 1.5 * *compressed("shared_bytes_total", coding)) << coding;
  }
}

TEST_F(StreamCompression, ADrainEndsAStreamAsItsCodingEnds) {
  producer.send(topic, 0, orders(5));
  struct Client {
    Coding coding;
    std::filesystem::path file;
    std::unique_ptr<Process> curl;
  };
  std::vector<Client> clients;
  for (const Coding coding : {Coding::gzip, Coding::zstd}) {
    const std::string name{name_of(coding)};
    // Not --compressed: curl does not look whether zstd's end is missing.
    const std::vector<std::string> command{"curl",         "--silent",
                                           "--show-error", "--no-buffer",
                                           "--header",     "Accept-Encoding: " + name,
                                           "--output",     (folder.path() / name).string(),
                                           "--url",        server.url(path + "?from=earliest")};
    clients.push_back(
        {coding, folder.path() / name, std::make_unique<Process>(command, folder.path() / (name + ".log"))});
  }
  const auto all_have = [&](const std::string& text) {
    return eventually([&] {
      return std::ranges::all_of(clients, [&](const Client& client) {
        return scripted::make_decoder(client.coding)->read(read_file(client.file)).find(text) != std::string::npos;
      });
    });
  };
  ASSERT_TRUE(all_have("id: 0:4\n"));
  producer.send(topic, 0, orders(5));
  ASSERT_TRUE(all_have("id: 0:9\n"));
  server.stop();
  for (const Client& client : clients) {
    EXPECT_EQ(client.curl->wait(), 0);
    const auto decoder = scripted::make_decoder(client.coding);
    EXPECT_NE(decoder->read(read_file(client.file)).find("event: reconnect\n"), std::string::npos);
    EXPECT_TRUE(decoder->is_whole());
    EXPECT_FALSE(decoder->is_broken());
  }
}

// Browsers ask for zstd over TLS, and of this machine.
struct BrowserWay {
  const char* name;
  bool is_firefox;
  bool is_tls;
  Coding coding;
};

class StreamCompressionInBrowsers : public StreamCompression, public testing::WithParamInterface<BrowserWay> {
 protected:
  StreamCompressionInBrowsers() : StreamCompression{"on", GetParam().coding == Coding::zstd ? "on" : "off"} {}
};

TEST_P(StreamCompressionInBrowsers, AnEventSourceReadsOnAcrossReconnects) {
  int all = 1'000;
  producer.send(topic, 0, numbered(all));
  std::unique_ptr<Browser> browser;
  if (GetParam().is_firefox) {
    browser = std::make_unique<Firefox>();
  } else {
    browser = std::make_unique<Chromium>();
  }
  browser->open((GetParam().is_tls ? server.tls_url("") : server.url("")) + "/console/icon.svg");
  // In an object: a script that Firefox runs for a test has globals of its own.
  browser->run(
      "const tail = window.tail = {seen: [], connections: 0};"
      "const source = new EventSource('" +
      path +
      "?from=earliest');"
      "source.onopen = () => { ++tail.connections; };"
      "source.onmessage = (event) => { tail.seen.push(JSON.parse(event.data).n); };"
      "source.addEventListener('busy', () => { --tail.connections; });");  // not ready yet
  const auto sees_all = [&] { return browser->becomes("tail.seen.length === " + std::to_string(all)); };
  ASSERT_TRUE(sees_all());
  // One by one, some of them behind a heartbeat: so there are restarts.
  const auto send_some = [&] {
    for (int n = 0; n < 4; ++n) {
      producer.send(topic, 0, numbered(1, all++));
      ASSERT_TRUE(sees_all());
      if (n % 2 == 0) let_heartbeat_pass();
    }
  };
  ASSERT_NO_FATAL_FAILURE(send_some());
  server.kill_hard();
  server.restart();
  ASSERT_NO_FATAL_FAILURE(send_some());
  EXPECT_TRUE(browser->is("tail.seen.every((n, i) => n === i)"));
  EXPECT_EQ(browser->number("tail.connections"), 2);
  const auto encoding = browser->run("return fetch('" + path +
                                     "', {method: 'HEAD'})"
                                     ".then((answer) => answer.headers.get('content-encoding'))");
  EXPECT_EQ(encoding.GetString(), name_of(GetParam().coding)) << "which the browser has asked for by itself";
}

INSTANTIATE_TEST_SUITE_P(Ways, StreamCompressionInBrowsers,
                         testing::Values(BrowserWay{"chromium_gzip", false, false, Coding::gzip},
                                         BrowserWay{"chromium_gzip_tls", false, true, Coding::gzip},
                                         BrowserWay{"chromium_zstd_tls", false, true, Coding::zstd},
                                         BrowserWay{"firefox_gzip_tls", true, true, Coding::gzip},
                                         BrowserWay{"firefox_zstd_tls", true, true, Coding::zstd}),
                         [](const auto& way) { return std::string{way.param.name}; });

class StreamCompressionOff : public StreamCompression {
 protected:
  StreamCompressionOff() : StreamCompression{"off", "off"} {}
};

TEST_F(StreamCompressionOff, NobodyGetsItAndNoCacheHearsOfIt) {
  const auto response = get("?until=now", {"Accept-Encoding: gzip, zstd"});
  EXPECT_FALSE(response.headers.contains("content-encoding"));
  EXPECT_EQ(response.headers.at("vary").find("Accept-Encoding"), std::string::npos);
}

}  // namespace
}  // namespace tailgate::test
