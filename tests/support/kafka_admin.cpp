#include "tests/support/kafka_admin.h"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "tests/support/kafka_cluster.h"
#include "tests/support/wait.h"

namespace tailgate::test {
namespace {

using Queue = CHandle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = CHandle<rd_kafka_event_t, rd_kafka_event_destroy>;
using Options = CHandle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = CHandle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using DeleteTopic = CHandle<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;
using NewPartitions = CHandle<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
using DeleteRecords = CHandle<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
using ConfigResource = CHandle<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using AclBinding = CHandle<rd_kafka_AclBinding_t, rd_kafka_AclBinding_destroy>;
using Offsets = CHandle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;

constexpr int kTimeoutMs = 30'000;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void require(rd_kafka_resp_err_t error, const std::string& what) {
  require(error == RD_KAFKA_RESP_ERR_NO_ERROR, what + ": " + rd_kafka_err2str(error));
}

// Sends a request of the admin API and waits for its answer.
Event ask(rd_kafka_t* handle, const std::string& what,
          const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& send) {
  const Queue queue{rd_kafka_queue_new(handle)};
  const Options options{rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_ANY)};
  send(options.get(), queue.get());
  Event event{rd_kafka_queue_poll(queue.get(), kTimeoutMs)};
  require(event != nullptr, what + ": no answer");
  require(rd_kafka_event_error(event.get()), what);
  return event;
}

template <class Results>
void require_topics(Results results, rd_kafka_event_t* event, const std::string& what) {
  std::size_t count = 0;
  const auto* result = results(event, &count);
  for (std::size_t i = 0; i < count; ++i) require(rd_kafka_topic_result_error(result[i]), what);
}

}  // namespace

KafkaAdmin::KafkaAdmin(const std::string& bootstrap) : client_{RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}}} {}

void KafkaAdmin::create_topic(const std::string& topic, const TopicOptions& options) {
  create_topics({topic}, options);
}

void KafkaAdmin::create_topics(const std::vector<std::string>& topics, const TopicOptions& options) {
  std::vector<NewTopic> wishes;
  std::vector<rd_kafka_NewTopic_t*> all;
  for (const auto& topic : topics) {
    std::array<char, 512> reason{};
    wishes.emplace_back(
        rd_kafka_NewTopic_new(topic.c_str(), options.partitions, options.replication, reason.data(), reason.size()));
    require(wishes.back() != nullptr, reason.data());
    for (const auto& [name, value] : options.config)
      require(rd_kafka_NewTopic_set_config(wishes.back().get(), name.c_str(), value.c_str()), name);
    all.push_back(wishes.back().get());
  }
  const auto what = "create topic " + topics.front();
  const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
    rd_kafka_CreateTopics(client_.get(), all.data(), all.size(), admin, queue);
  });
  std::size_t count = 0;
  const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    // Names are unique: where it is there already, a broker has asked the controller twice while that one moved.
    const auto error = rd_kafka_topic_result_error(results[i]);
    if (error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) require(error, what);
  }
  const auto count_led = [&](const char* asked) {
    const auto metadata = client_.metadata(asked, kPatience);
    std::size_t led = 0;
    for (int i = 0; metadata && i < metadata->topic_cnt; ++i) {
      const auto& found = metadata->topics[i];
      if (std::find(topics.begin(), topics.end(), found.topic) == topics.end()) continue;
      const auto has_leader = [](const auto& partition) { return partition.leader >= 0; };
      if (found.partition_cnt == options.partitions &&
          std::all_of(found.partitions, found.partitions + found.partition_cnt, has_leader))
        ++led;
    }
    return led;
  };
  // Of many the last is asked for first: the metadata of all, over and over, would keep the broker from making them.
  const auto are_led = [&] {
    if (count_led(topics.back().c_str()) == 0) return false;
    return topics.size() == 1 || count_led(nullptr) == topics.size();
  };
  require(eventually(are_led, in(4 * kPatience)), what + ": no leader");
}

std::string KafkaAdmin::make_topic(const std::string& stem, const TopicOptions& options) {
  auto name = unique_name(stem);
  create_topic(name, options);
  return name;
}

void KafkaAdmin::delete_topic(const std::string& topic) {
  const DeleteTopic wish{rd_kafka_DeleteTopic_new(topic.c_str())};
  const auto what = "delete topic " + topic;
  const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
    auto* one = wish.get();
    rd_kafka_DeleteTopics(client_.get(), &one, 1, admin, queue);
  });
  require_topics(
      [](auto* e, auto* n) { return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(e), n); },
      event.get(), what);
  const auto is_gone = [&] {
    const auto metadata = client_.metadata(topic.c_str(), kPatience);
    return metadata && metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  };
  require(eventually(is_gone), what + ": still there");
}

void KafkaAdmin::set_partitions(const std::string& topic, int total) {
  std::array<char, 512> reason{};
  const NewPartitions wish{
      rd_kafka_NewPartitions_new(topic.c_str(), static_cast<std::size_t>(total), reason.data(), reason.size())};
  require(wish != nullptr, reason.data());
  const auto what = "add partitions to " + topic;
  const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
    auto* one = wish.get();
    rd_kafka_CreatePartitions(client_.get(), &one, 1, admin, queue);
  });
  require_topics(
      [](auto* e, auto* n) {
        return rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(e), n);
      },
      event.get(), what);
  require(eventually([&] { return leader(topic, total - 1) >= 0; }), what + ": no leader");
}

void KafkaAdmin::delete_records(const std::string& topic, int partition, std::int64_t before) {
  const Offsets offsets{rd_kafka_topic_partition_list_new(1)};
  rd_kafka_topic_partition_list_add(offsets.get(), topic.c_str(), partition)->offset = before;
  const DeleteRecords wish{rd_kafka_DeleteRecords_new(offsets.get())};
  const auto what = "delete records of " + topic;
  // The leader may move meanwhile.
  auto error = RD_KAFKA_RESP_ERR_NO_ERROR;
  static_cast<void>(eventually([&] {
    const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
      auto* one = wish.get();
      rd_kafka_DeleteRecords(client_.get(), &one, 1, admin, queue);
    });
    error = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()))->elems[0].err;
    return error != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION && error != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
  }));
  require(error, what);
  require(eventually([&] { return ends(topic, partition).begin >= before; }), what + ": still there");
}

void KafkaAdmin::set_config(const std::string& topic, const std::map<std::string, std::string>& config) {
  const ConfigResource wish{rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str())};
  for (const auto& [name, value] : config)
    require(rd_kafka_ConfigResource_set_config(wish.get(), name.c_str(), value.c_str()), name);
  const auto what = "configure " + topic;
  const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
    auto* one = wish.get();
    rd_kafka_AlterConfigs(client_.get(), &one, 1, admin, queue);
  });
  std::size_t count = 0;
  const auto* done = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) require(rd_kafka_ConfigResource_error(done[i]), what);
}

void KafkaAdmin::deny(const std::string& topic, const std::string& user) {
  add_rule(topic, user, RD_KAFKA_ACL_OPERATION_ALL, RD_KAFKA_ACL_PERMISSION_TYPE_DENY);
}

void KafkaAdmin::let_describe_only(const std::string& topic, const std::string& user) {
  // A topic that a rule names is open only to what rules allow.
  add_rule(topic, user, RD_KAFKA_ACL_OPERATION_DESCRIBE, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW);
}

void KafkaAdmin::let_read_only(const std::string& topic, const std::string& user) {
  add_rule(topic, user, RD_KAFKA_ACL_OPERATION_READ, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW);
}

void KafkaAdmin::add_rule(const std::string& topic, const std::string& user, rd_kafka_AclOperation_t operation,
                          rd_kafka_AclPermissionType_t permission) {
  std::array<char, 512> reason{};
  const AclBinding wish{rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str(),
                                                RD_KAFKA_RESOURCE_PATTERN_LITERAL, ("User:" + user).c_str(), "*",
                                                operation, permission, reason.data(), reason.size())};
  require(wish != nullptr, reason.data());
  const auto what = "access rule of " + topic;
  const auto event = ask(client_.get(), what, [&](auto* admin, auto* queue) {
    auto* one = wish.get();
    rd_kafka_CreateAcls(client_.get(), &one, 1, admin, queue);
  });
  std::size_t count = 0;
  const auto* done = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* error = rd_kafka_acl_result_error(done[i]);
    require(error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error), what);
  }
}

KafkaAdmin::Ends KafkaAdmin::ends(const std::string& topic, int partition) {
  Ends ends{};
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  const auto is_answered = [&] {
    error =
        rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), partition, &ends.begin, &ends.end, kTimeoutMs);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
  };
  if (!eventually(is_answered)) require(error, "ends of " + topic);
  return ends;
}

int KafkaAdmin::leader(const std::string& topic, int partition) {
  const auto metadata = client_.metadata(topic.c_str(), kPatience);
  if (!metadata || metadata->topic_cnt != 1) return -1;
  const auto& found = metadata->topics[0];
  for (int i = 0; i < found.partition_cnt; ++i)
    if (found.partitions[i].id == partition && found.partitions[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
      return found.partitions[i].leader;
  return -1;
}

}  // namespace tailgate::test
