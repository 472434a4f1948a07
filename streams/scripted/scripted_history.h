// History that keeps what it is asked, to be answered by hand.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "streams/history.h"

namespace tailgate::scripted {

class ScriptedHistory final : public History {
 public:
  struct Asked {
    TopicPartition partition;
    Offset offset;
    Headers needed;
    Reply<HistoryAnswer> reply;
  };
  std::shared_ptr<const HistoryPage> find(const TopicPartition&, Offset, Headers) override { return nullptr; }
  Ask<HistoryAnswer> read(const TopicPartition& partition, Offset offset, Headers needed, Loop& loop,
                          std::function<void(HistoryAnswer)> then) override {
    auto [ask, reply] = make_ask<HistoryAnswer>(loop, std::move(then));
    asked.push_back(Asked{partition, offset, needed, reply});
    return std::move(ask);
  }
  void drop(const TopicPartition&) override {}

  std::vector<Asked> asked;
};

}  // namespace tailgate::scripted
