// What the tests of streams share: one server for all topics of the shared Kafka, and requests that read to their end.
#pragma once

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"
#include "tests/support/sse_client.h"
#include "tests/support/tailgate_process.h"

namespace tailgate::test {

// {"n":0}, {"n":1}, … in order.
std::vector<NewRecord> numbered(int count, int first = 0);
std::string number(int n);

// The events of an SSE body, or of the first part of one, and the id that EventSource would come back with.
std::vector<SseEvent> events_of(std::string_view body);
std::string last_id_of(std::string_view body);
// The data of those that are records of text.
std::vector<std::string> messages_of(const std::vector<SseEvent>& events);
std::size_t count_of(const std::vector<SseEvent>& events, const std::string& type);
// "type id" of each, joined with spaces: "position:0:1 message:0:2".
std::string outline(const std::vector<SseEvent>& events);

// Reads the body, which has no end of its own, until `is_enough` (or the deadline); what came.
std::string body_until(const HttpRequest& request, const std::function<bool(const std::string& body)>& is_enough);

rapidjson::Document json_of(std::string_view text);
// The lines of an NDJSON body.
std::vector<rapidjson::Document> lines_of(std::string_view body);
std::string text_of(const rapidjson::Value& value);

class StreamTest : public testing::Test {
 protected:
  StreamTest();

  // Heartbeats every second; clients come back after 100 ms.
  static TailgateProcess& server();
  // A topic that the server knows already, without retention. Plain ones of one or two partitions are at hand.
  std::string make_topic(const TopicOptions& options = {});
  static void wait_until_known(TailgateProcess& server, const std::string& topic);

  static HttpResponse get(const std::string& path, const std::vector<std::string>& headers = {});
  // A stream that ends by itself (limit, until): its events.
  static std::vector<SseEvent> read(const std::string& path, const std::vector<std::string>& headers = {});

  KafkaAdmin admin;
  Producer producer;

 private:
  // A server hears of a new topic after some seconds: made before it starts, a stock costs no wait.
  static std::vector<std::string>& stock(int partitions);
};

}  // namespace tailgate::test
