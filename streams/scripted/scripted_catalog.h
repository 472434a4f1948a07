// A catalog that knows what a test tells it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "streams/catalog.h"

namespace tailgate::scripted {

class ScriptedCatalog final : public Catalog {
 public:
  struct AskedEnds {
    std::vector<TopicPartition> partitions;
    Reply<EndsAnswer> reply;
  };
  std::shared_ptr<const Topics> topics() const override { return topics_; }
  bool is_exposed(std::string_view name) const override { return topics_->by_name.contains(name); }
  Ask<EndsAnswer> ends(std::vector<TopicPartition> partitions, Loop& loop,
                       std::function<void(EndsAnswer)> then) override {
    auto [ask, reply] = make_ask<EndsAnswer>(loop, std::move(then));
    if (answers_at_once)
      reply(is_down ? EndsAnswer{Error{ErrorCode::upstream_down, "scripted"}} : known_of(partitions));
    asked.push_back(AskedEnds{std::move(partitions), reply});
    return std::move(ask);
  }
  Ask<OffsetsAnswer> offsets_at(std::vector<TopicPartition>, std::int64_t, Loop& loop,
                                std::function<void(OffsetsAnswer)> then) override {
    return std::move(make_ask<OffsetsAnswer>(loop, std::move(then)).first);
  }
  Ask<TopicsAnswer> refresh(Loop& loop, std::function<void(TopicsAnswer)> then) override {
    return std::move(make_ask<TopicsAnswer>(loop, std::move(then)).first);
  }
  std::unique_ptr<Watch> watch(Loop&, std::function<void()> on_change) override {
    on_change_.push_back(std::move(on_change));
    return std::make_unique<Watch>();
  }
  bool is_reachable() const override { return !is_down; }

  // Topics by name and number of partitions; Kafka's name is the public one with "k." in front. Who watches hears of it
  // within this call.
  void set(const std::map<std::string, std::int32_t>& topics) {
    auto fresh = std::make_shared<Topics>();
    fresh->version = topics_->version + 1;
    for (const auto& [name, partitions] : topics) fresh->by_name[name] = Topic{name, "k." + name, partitions};
    topics_ = std::move(fresh);
    for (const auto& on_change : on_change_) on_change();
  }

  std::vector<AskedEnds> asked;  // ever
  // False: the test answers them. True: they are answered with what is known, or because Kafka is down not.
  bool answers_at_once = false;
  std::map<TopicPartition, PartitionEnds> known;
  bool is_down = false;

 private:
  EndsAnswer known_of(const std::vector<TopicPartition>& partitions) const {
    std::map<TopicPartition, PartitionEnds> ends;
    for (const auto& partition : partitions) {
      if (const auto found = known.find(partition); found != known.end()) ends.insert(*found);
    }
    return ends;
  }

  std::shared_ptr<const Topics> topics_ = std::make_shared<Topics>();
  std::vector<std::function<void()>> on_change_;
};

}  // namespace tailgate::scripted
