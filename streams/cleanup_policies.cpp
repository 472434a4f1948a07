#include "streams/cleanup_policies.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "base/c_handle.h"

namespace tailgate {

namespace {

using Resource = CHandle<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using AdminOptions = CHandle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using Queue = CHandle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = CHandle<rd_kafka_event_t, rd_kafka_event_destroy>;

constexpr std::string_view kPolicy = "cleanup.policy";

bool is_without_compaction(const rd_kafka_ConfigResource_t* topic) {
  if (rd_kafka_ConfigResource_error(topic) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(topic, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (rd_kafka_ConfigEntry_name(entries[i]) != kPolicy) continue;
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    return value != nullptr && std::string_view{value}.find("compact") == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::set<std::string> uncompacted_topics(rd_kafka_t* handle, const std::set<std::string>& topics, int deadline_ms) {
  std::vector<Resource> asked;
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const std::string& topic : topics) {
    asked.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    resources.push_back(asked.back().get());
  }
  const Queue queue{rd_kafka_queue_new(handle)};
  const AdminOptions options{rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS)};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), deadline_ms, nullptr, 0);
  rd_kafka_DescribeConfigs(handle, resources.data(), resources.size(), options.get(), queue.get());
  const Event event{rd_kafka_queue_poll(queue.get(), deadline_ms)};
  const auto* result = event ? rd_kafka_event_DescribeConfigs_result(event.get()) : nullptr;
  if (result == nullptr || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  std::set<std::string> uncompacted;
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** described = rd_kafka_DescribeConfigs_result_resources(result, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_without_compaction(described[i])) uncompacted.insert(rd_kafka_ConfigResource_name(described[i]));
  }
  return uncompacted;
}

// Under mutex_.
bool CleanupPolicies::is_known(const std::string& topic) const {
  const auto known = known_.find(topic);
  return known != known_.end() && clock_.steady_ms() < known->second.good_until_ms;
}

// Under mutex_.
bool CleanupPolicies::are_all_uncompacted(const std::vector<std::string>& topics) const {
  return std::all_of(topics.begin(), topics.end(), [this](const std::string& topic) {
    const auto known = known_.find(topic);
    return known != known_.end() && known->second.is_uncompacted;
  });
}

Ask<bool> CleanupPolicies::are_uncompacted(const std::vector<std::string>& topics, Loop& loop,
                                           std::function<void(bool)> then) {
  auto [ask, reply] = make_ask<bool>(loop, std::move(then));
  const std::scoped_lock lock{mutex_};
  if (std::all_of(topics.begin(), topics.end(), [this](const std::string& topic) { return is_known(topic); })) {
    reply(are_all_uncompacted(topics));
  } else {
    questions_.push_back(Question{topics, reply});
  }
  return std::move(ask);
}

bool CleanupPolicies::has_questions() const {
  const std::scoped_lock lock{mutex_};
  return !questions_.empty();
}

void CleanupPolicies::answer() {
  std::vector<Question> questions;
  std::set<std::string> unknown;
  {
    const std::scoped_lock lock{mutex_};
    questions.swap(questions_);
    for (const Question& question : questions) {
      for (const std::string& topic : question.topics) {
        if (!is_known(topic)) unknown.insert(topic);
      }
    }
  }
  if (questions.empty()) return;
  const std::set<std::string> uncompacted = unknown.empty() ? std::set<std::string>{} : read_(unknown);
  const std::scoped_lock lock{mutex_};
  // Topics that nobody asks for any more, or that are gone, are forgotten.
  std::erase_if(known_, [this](const auto& known) { return !is_known(known.first); });
  for (const std::string& topic : unknown) {
    const bool is_uncompacted = uncompacted.contains(topic);
    known_[topic] = Known{is_uncompacted, clock_.steady_ms() + (is_uncompacted ? kKnownMs : kUnknownMs)};
  }
  for (const Question& question : questions) question.reply(are_all_uncompacted(question.topics));
}

}  // namespace tailgate
