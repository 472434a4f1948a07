// Stores of cursors as replicas have them, asked from the test's thread, and what is asked as text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cursors/id.h"
#include "cursors/memory_cursors.h"
#include "cursors/redis_cursors.h"
#include "tests/integration/redis_caller.h"

namespace tailgate::test {

inline CursorKey key(const std::string& name, const std::string& principal = "") { return {principal, name}; }

inline CursorMove orders(TopicPosition parts, std::int32_t partitions = 2) {
  CursorMove move;
  move.position["orders"] = std::move(parts);
  move.partitions["orders"] = partitions;
  return move;
}

inline std::string text_of(const CursorAnswer& answer) {
  if (!answer) {
    constexpr std::array<std::string_view, 5> kNames{"away", "fenced", "quota", "too_wide", "damaged"};
    return std::string{kNames[static_cast<std::size_t>(answer.error().refusal)]};
  }
  if (!*answer) return "none";
  return format_id((**answer).position, IdForm::topics) + " g" + std::to_string((**answer).generation);
}

// A replica's store, asked from the test's thread.
class Replica {
 public:
  virtual ~Replica() = default;
  CursorAnswer read(const CursorKey& of) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.read(of, std::move(then)); });
  }
  CursorAnswer move(const CursorKey& of, const CursorMove& move) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.move(of, move, std::move(then)); });
  }
  CursorAnswer erase(const CursorKey& of) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.erase(of, std::move(then)); });
  }
  CursorAnswer find_room(const CursorKey& of) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.find_room(of, std::move(then)); });
  }

 protected:
  using Question = std::function<Ask<CursorAnswer>(CursorStore&, CursorStore::Then)>;
  virtual LoopThread& thread() = 0;
  virtual CursorStore& store() = 0;

 private:
  CursorAnswer ask(const Question& question) {
    std::promise<CursorAnswer> promise;
    thread().on_loop(
        [&] { ask_ = question(store(), [&promise](CursorAnswer answer) { promise.set_value(std::move(answer)); }); });
    return promise.get_future().get();
  }
  Ask<CursorAnswer> ask_;
};

class MemoryReplica final : public Replica {
 public:
  explicit MemoryReplica(MemoryCursorTable& table) : store_{table, thread_.loop()} {}

 private:
  LoopThread& thread() override { return thread_; }
  CursorStore& store() override { return store_; }
  LoopThread thread_;
  MemoryCursors store_;
};

class RedisReplica final : public Replica {
 public:
  // `where`: a URL or RedisOptions.
  explicit RedisReplica(const auto& where, CursorOptions options = {})
      : caller_{where},
        store_{std::make_unique<RedisCursors>(caller_.link(), caller_.link(), caller_.thread().loop(), "tailgate",
                                              options, 0)} {}
  ~RedisReplica() override { caller_.thread().stop(); }
  RedisCaller& caller() { return caller_; }
  const RedisCursors& cursors() const { return *store_; }

 private:
  LoopThread& thread() override { return caller_.thread(); }
  CursorStore& store() override { return *store_; }
  RedisCaller caller_;
  std::unique_ptr<RedisCursors> store_;
};

}  // namespace tailgate::test
