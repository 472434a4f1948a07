// For tests: a catalogue that knows what it is told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "streams/catalog.h"

namespace tailgate {

class KnownCatalog final : public Catalog {
 public:
  std::shared_ptr<const Topics> topics() const override { return std::make_shared<Topics>(known); }
  bool is_exposed(std::string_view name) const override { return known.by_name.contains(name); }
  Ask<EndsAnswer> ends(std::vector<TopicPartition> partitions, Loop& loop,
                       std::function<void(EndsAnswer)> then) override {
    asked = std::move(partitions);
    auto [ask, reply] = make_ask<EndsAnswer>(loop, std::move(then));
    reply(answer ? EndsAnswer{*answer} : EndsAnswer{Error{ErrorCode::upstream_down, "silent"}});
    return std::move(ask);
  }
  Ask<OffsetsAnswer> offsets_at(std::vector<TopicPartition>, std::int64_t, Loop&,
                                std::function<void(OffsetsAnswer)>) override {
    return {};
  }
  Ask<TopicsAnswer> refresh(Loop&, std::function<void(TopicsAnswer)>) override { return {}; }
  std::unique_ptr<Watch> watch(Loop&, std::function<void()>) override { return nullptr; }
  bool is_reachable() const override { return true; }

  Topics known;
  std::optional<std::map<TopicPartition, PartitionEnds>> answer;  // none: Kafka is silent
  std::vector<TopicPartition> asked;
};

}  // namespace tailgate
