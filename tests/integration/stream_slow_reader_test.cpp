// Readers that do not read.
#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class SlowReader : public StreamTest {
 protected:
  SlowReader() : topic{admin.make_topic("slow")}, path{"/streams/" + topic} {}
  std::string request(const std::string& query) const {
    return "GET " + path + query + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
  }
  std::string topic;
  std::string path;
};

TEST_F(SlowReader, IsCutAfterWriteStallAndOthersAreNot) {
  TailgateProcess strict{
      {.kafka = shared_kafka(), .topics = topic, .flags = {"--write-stall", "2s", "--heartbeat", "1s"}}};
  RawConnection stalled{strict.port(), {.receive_buffer = 4096}};
  stalled.write(request("?from=earliest"));
  const SseClient healthy{{.url = strict.url(path + "?from=earliest")}};
  for (int i = 0; i < 40; ++i) producer.send(topic, 0, {.value = std::string(100'000, 'x')});
  ASSERT_TRUE(healthy.wait_for_messages(40));
  // It has not read a byte. What the kernel took is still there, then the connection ends without its last chunk.
  EXPECT_TRUE(eventually([&] { return strict.log().find("stall") != std::string::npos; })) << strict.log();
  const auto rest = stalled.read_to_end();
  EXPECT_FALSE(rest.ends_with("0\r\n\r\n"));
  producer.send(topic, 0, {.value = "after"});
  ASSERT_TRUE(healthy.wait_for_messages(41));
}

TEST_F(SlowReader, ThatReadsOnGetsEverythingInOrder) {
  wait_until_known(server(), topic);
  RawConnection slow{server().port(), {.receive_buffer = 4096}};
  slow.write(request("/0?from=earliest&limit=301"));
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    sent.push_back(std::to_string(i) + std::string(10'000, 'x'));
    producer.send(topic, 0, {.value = sent.back()});
  }
  producer.send(topic, 0, {.value = "last"});
  sent.push_back("last");
  const auto response = slow.read_response();
  EXPECT_EQ(messages_of(events_of(response.body)), sent);
}

}  // namespace
}  // namespace tailgate::test
