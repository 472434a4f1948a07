#include "bench/kafka.h"

#include <cstdio>
#include <cstdlib>

namespace tailgate::bench {

void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

KafkaHandle make_kafka(rd_kafka_type_t type, const std::string& brokers, Properties properties,
                       void (*on_delivery)(rd_kafka_t*, const rd_kafka_message_t*, void*), void* context) {
  char error[512];
  auto* conf = rd_kafka_conf_new();
  const auto set = [&](const std::string& name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) give_up(error);
  };
  set("bootstrap.servers", brokers);
  set("socket.nagle.disable", "true");
  for (const auto& [name, value] : properties) set(name, value);
  if (on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_conf_set_opaque(conf, context);
  KafkaHandle kafka{rd_kafka_new(type, conf, error, sizeof error)};
  if (!kafka) give_up(error);
  return kafka;
}

void create_topic(rd_kafka_t* kafka, const std::string& name, int partitions) {
  char error[512];
  CHandle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> topic{
      rd_kafka_NewTopic_new(name.c_str(), partitions, 1, error, sizeof error)};
  if (!topic) give_up(error);
  QueueHandle queue{rd_kafka_queue_new(kafka)};
  auto* one = topic.get();
  rd_kafka_CreateTopics(kafka, &one, 1, nullptr, queue.get());
  CHandle<rd_kafka_event_t, rd_kafka_event_destroy> event{rd_kafka_queue_poll(queue.get(), 30'000)};
  if (!event) give_up("no answer to the creation of " + name);
  const auto* result = rd_kafka_event_CreateTopics_result(event.get());
  if (result == nullptr) give_up(rd_kafka_event_error_string(event.get()));
  std::size_t count = 0;
  const auto* const* topics = rd_kafka_CreateTopics_result_topics(result, &count);
  const auto code = count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    give_up(rd_kafka_err2str(code));
}

}  // namespace tailgate::bench
