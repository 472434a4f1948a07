// Tails that hold what is written to their logs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "streams/tails.h"

namespace tailgate::scripted {

class ScriptedTails final : public Tails {
 public:
  std::unique_ptr<Follow> follow(const TopicPartition& partition, Loop& loop, std::function<void()> on_news) override {
    Tail& tail = tails_[partition];
    auto follower = std::make_shared<Follower>(Follower{loop, std::move(on_news)});
    tail.followers.push_back(follower);
    return std::make_unique<Following>(tail, std::move(follower));
  }
  RecordLog& log(const TopicPartition& partition) { return tails_[partition].log; }
  void tell(const TopicPartition& partition) {
    for (const auto& weak : tails_[partition].followers) {
      if (const auto there = weak.lock()) {
        there->loop.post([weak] {
          if (const auto told = weak.lock()) told->on_news();
        });
      }
    }
  }

 private:
  struct Follower {
    Loop& loop;
    std::function<void()> on_news;
  };
  struct Tail {
    RecordLog log;
    std::vector<std::weak_ptr<Follower>> followers;
  };
  class Following final : public Follow {
   public:
    Following(Tail& tail, std::shared_ptr<Follower> follower) : tail_{tail}, follower_{std::move(follower)} {}
    const RecordLog& log() const override { return tail_.log; }

   private:
    Tail& tail_;
    std::shared_ptr<Follower> follower_;
  };
  std::map<TopicPartition, Tail> tails_;
};

}  // namespace tailgate::scripted
