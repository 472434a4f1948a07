// Streams compressed for those who ask for it: curl over each version of HTTP, a browser, and what must not change.
#include <algorithm>
#include <array>
#include <string>

#include "tests/support/certificates.h"
#include "tests/support/chromium.h"
#include "tests/support/process.h"
#include "tests/support/stream_fixture.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

TailgateOptions with_gzip(const std::string& topics, CertificateAuthority* authority, const std::string& gzip) {
  TailgateOptions options;
  options.kafka = shared_kafka();
  options.topics = topics;
  options.flags = {"--gzip=" + gzip, "--console=on", "--heartbeat=1s", "--retry=100ms"};
  options.authority = authority;
  return options;
}

class StreamGzip : public testing::Test {
 protected:
  explicit StreamGzip(const std::string& gzip = "on")
      : admin{shared_kafka()},
        producer{shared_kafka()},
        topic{admin.make_topic("gzip")},
        path{"/streams/" + topic},
        server{with_gzip(topic, &authority, gzip)} {}

  HttpResponse get(const std::string& query, const std::vector<std::string>& headers,
                   const std::string& method = "GET") {
    return fetch({.url = server.url(path + query), .headers = headers, .method = method});
  }
  // What curl makes of a stream. It fails where the checksum at the end is wrong or missing.
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

TEST_F(StreamGzip, WhoAsksForItGetsItAndIsToldSo) {
  producer.send(topic, 0, orders(3));
  const auto plain = get("?until=now&from=earliest", {});
  EXPECT_FALSE(plain.headers.contains("content-encoding"));
  EXPECT_NE(plain.headers.at("vary").find("Accept-Encoding"), std::string::npos);

  const auto gzip = get("?until=now&from=earliest", {"Accept-Encoding: gzip"});
  EXPECT_EQ(gzip.headers.at("content-encoding"), "gzip");
  EXPECT_NE(gzip.headers.at("vary").find("Accept-Encoding"), std::string::npos);
  EXPECT_TRUE(gzip.body.starts_with("\x1f\x8b"));
  const auto head = get("", {"Accept-Encoding: gzip"}, "HEAD");
  EXPECT_EQ(head.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(head.body, "");
}

TEST_F(StreamGzip, WhatIsShortOrRefusedIsNotCompressed) {
  for (const char* query : {"?as=json&wait=0", "?nonsense=1"})
    EXPECT_FALSE(get(query, {"Accept-Encoding: gzip"}).headers.contains("content-encoding")) << query;
  for (const char* refused : {"gzip;q=0", "br", "identity, *;q=0"})
    EXPECT_FALSE(get("?until=now", {std::string{"Accept-Encoding: "} + refused}).headers.contains("content-encoding"))
        << refused;
}

TEST_F(StreamGzip, CurlReadsTheSameWithAndWithoutItOverEveryVersionOfHttp) {
  producer.send(topic, 0, orders(2'000));
  for (const char* as : {"sse", "ndjson"}) {
    const std::string query = path + "?from=earliest&until=now&as=" + as;
    // Behind the first line, which tells each SSE stream a wait of its own.
    const auto rest = [](const std::string& text) { return text.substr(std::min(text.find('\n'), text.size())); };
    const std::string expected = rest(fetch({.url = server.url(query)}).body);
    EXPECT_GT(expected.size(), 100'000U);
    EXPECT_TRUE(rest(curl({"--http1.1"}, server.url(query))) == expected);
    EXPECT_TRUE(rest(curl({"--http2-prior-knowledge"}, server.url(query))) == expected);
    EXPECT_TRUE(rest(curl({"--http2"}, server.tls_url(query))) == expected);
  }
  EXPECT_GT(server.metric("tailgate_compressed_plain_bytes_total{coding=\"gzip\"}"), 4 * *server.metric("tailgate_compressed_bytes_out_total{coding=\"gzip\"}"));
}

TEST_F(StreamGzip, LiveEventsReachManyCurlsAndAreCompressedOnce) {
  constexpr int kCurls = 6;
  constexpr int kRecords = 40;
  std::vector<std::unique_ptr<Process>> curls;
  for (int n = 0; n < kCurls; ++n) {
    const std::string version = n % 2 == 0 ? "--http1.1" : "--http2-prior-knowledge";
    curls.push_back(std::make_unique<Process>(
        std::vector<std::string>{"curl", "--silent", "--no-buffer", "--compressed", version, server.url(path)},
        folder.path() / std::to_string(n)));
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
  EXPECT_EQ(server.metric("tailgate_compressed_streams{coding=\"gzip\"}"), kCurls);
  EXPECT_GT(server.metric("tailgate_compressed_plain_bytes_total{coding=\"gzip\"}"), 1.5 * *server.metric("tailgate_compressed_shared_bytes_total{coding=\"gzip\"}"));
}

TEST_F(StreamGzip, ADrainEndsAStreamWithAChecksumThatIsRight) {
  producer.send(topic, 0, orders(5));
  Process client{
      {"curl", "--silent", "--show-error", "--no-buffer", "--compressed", server.url(path + "?from=earliest")}, body};
  ASSERT_TRUE(eventually([&] { return read_file(body).find("id: 0:4\n") != std::string::npos; }));
  producer.send(topic, 0, orders(5));
  ASSERT_TRUE(eventually([&] { return read_file(body).find("id: 0:9\n") != std::string::npos; }));
  server.stop();
  EXPECT_EQ(client.wait(), 0) << read_file(body);
  EXPECT_NE(read_file(body).find("event: reconnect\n"), std::string::npos);
}

TEST_F(StreamGzip, AnEventSourceInABrowserReadsOnAcrossReconnects) {
  int all = 1'000;
  producer.send(topic, 0, numbered(all));
  for (const std::string& base : {server.url(""), server.tls_url("")}) {
    Chromium browser;
    browser.open(base + "/console/icon.svg");
    browser.run(
        "window.seen = []; window.connections = 0;"
        "window.source = new EventSource('" +
        path +
        "?from=earliest');"
        "source.onopen = () => { ++connections; };"
        "source.onmessage = (event) => { seen.push(JSON.parse(event.data).n); };"
        "source.addEventListener('busy', () => { --connections; });");  // not ready yet
    ASSERT_TRUE(browser.becomes("seen.length === " + std::to_string(all)));
    producer.send(topic, 0, numbered(10, all));
    ASSERT_TRUE(browser.becomes("seen.length === " + std::to_string(all += 10)));
    server.kill_hard();
    server.restart();
    producer.send(topic, 0, numbered(10, all));
    ASSERT_TRUE(browser.becomes("seen.length === " + std::to_string(all += 10)));
    EXPECT_TRUE(browser.is("seen.every((n, i) => n === i)"));
    EXPECT_EQ(browser.number("connections"), 2);
    const auto encoding = browser.run("return fetch('" + path +
                                      "', {method: 'HEAD'})"
                                      ".then((answer) => answer.headers.get('content-encoding'))");
    EXPECT_STREQ(encoding.GetString(), "gzip") << "which the browser has asked for by itself";
  }
}

class StreamGzipOff : public StreamGzip {
 protected:
  StreamGzipOff() : StreamGzip{"off"} {}
};

TEST_F(StreamGzipOff, NobodyGetsItAndNoCacheHearsOfIt) {
  const auto response = get("?until=now", {"Accept-Encoding: gzip"});
  EXPECT_FALSE(response.headers.contains("content-encoding"));
  EXPECT_EQ(response.headers.at("vary").find("Accept-Encoding"), std::string::npos);
}

}  // namespace
}  // namespace tailgate::test
