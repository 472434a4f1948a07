#include "cursors/redis_cursors.h"

#include <functional>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "base/percent.h"
#include "cursors/cursor_scripts.h"
#include "cursors/offset_text.h"

namespace tailgate {
namespace {

constexpr std::size_t kHeadItems = 4;  // "ok", tell the index, generation, updated
constexpr int kRaisesMax = 5;          // of one erase: each but the first has met a reset

CursorAnswer refusal(CursorRefusal why, std::string detail = "") { return CursorError{why, std::move(detail)}; }

std::optional<Offset> parse_offset(const std::string& text) {
  if (text == "-") return kNothingPassed;
  return parse_decimal(text);
}

// nullopt: not what our scripts answer.
std::optional<Cursor> parse_cursor(const RedisReply& reply) {
  const auto& items = reply.items;
  if (items.size() < kHeadItems || items.size() % 2 != 0) return std::nullopt;
  const auto generation = parse_decimal(items[2].text);
  const auto updated_ms = parse_decimal(items[3].text);
  if (!generation || !updated_ms) return std::nullopt;
  Cursor cursor{.position = {}, .partitions = {}, .updated_ms = *updated_ms, .generation = *generation};
  for (std::size_t i = kHeadItems; i + 1 < items.size(); i += 2) {
    const std::string& field = items[i].text;
    const std::size_t colon = field.rfind(':');
    if (colon == field.npos) return std::nullopt;
    const std::string topic = field.substr(0, colon);
    const std::string_view which = std::string_view{field}.substr(colon + 1);
    constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
    if (which == "n") {
      const auto count = parse_decimal(items[i + 1].text, kMax);
      if (!count) return std::nullopt;
      cursor.partitions[topic] = static_cast<std::int32_t>(*count);
      continue;
    }
    const auto partition = parse_decimal(which, kMax);
    const auto passed = parse_offset(items[i + 1].text);
    if (!partition || !passed) return std::nullopt;
    cursor.position[topic][static_cast<std::int32_t>(*partition)] = *passed;
  }
  return cursor;
}

void append_moves(std::vector<std::string>& arguments, const CursorMove& move) {
  OffsetText digits;
  for (const auto& [topic, count] : move.partitions) {
    arguments.push_back(topic + ":n");
    arguments.push_back(std::to_string(count));
  }
  for (const auto& [topic, parts] : move.position) {
    for (const auto& [partition, passed] : parts) {
      arguments.push_back(topic + ':' + std::to_string(partition));
      arguments.emplace_back(digits.of(passed));
    }
  }
}

}  // namespace

class RedisCursors::Work {
 public:
  Work(RedisCursors& owner, CursorKey key, Reply<CursorAnswer> reply)
      : owner_{owner}, key_{std::move(key)}, reply_{std::move(reply)} {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void set_place(std::list<Work>::iterator place) { place_ = place; }

  void read() { run(cursor_scripts().read, {ttl()}, 0, &Work::on_cursor); }

  void move(CursorMove move) {
    move_ = std::move(move);
    send_move("");
  }

  void erase() { send_erase(""); }

  void find_room() { run_on_index(cursor_scripts().find_room, name_and_bounds(), 0, &Work::on_room); }

 private:
  using Step = void (Work::*)(const RedisReply&);

  std::string ttl() const { return std::to_string(owner_.options_.ttl_ms); }
  std::vector<std::string> name_and_bounds() const {
    return {ttl(), key_.name, std::to_string(owner_.options_.per_principal_max)};
  }

  void run(const RedisScript& script, std::vector<std::string> arguments, int replicas, Step step) {
    run_on(owner_.key_of(key_), script, std::move(arguments), replicas, step);
  }

  // It may lie on another server.
  void run_on_index(const RedisScript& script, std::vector<std::string> arguments, int replicas, Step step) {
    run_on(owner_.index_of(key_.principal), script, std::move(arguments), replicas, step);
  }

  void run_on(std::string redis_key, const RedisScript& script, std::vector<std::string> arguments, int replicas,
              Step step) {
    std::vector<std::string> keys;
    keys.push_back(std::move(redis_key));
    RedisLink& link = replicas > 0 ? owner_.confirming_ : owner_.link_;
    ask_ = link.run({script, std::move(keys), std::move(arguments), replicas}, [this, step](const RedisAnswer& answer) {
      if (!answer) return finish(refusal(CursorRefusal::away, answer.error().detail));
      (this->*step)(*answer);
    });
  }

  // `first`: the generation with which it may be made; "": it may not.
  void send_move(const std::string& first) {
    std::vector<std::string> arguments{ttl(), move_.is_reset ? "reset" : "move",
                                       move_.generation ? std::to_string(*move_.generation) : std::string{}, first,
                                       std::to_string(kCursorPartitionsMax)};
    append_moves(arguments, move_);
    run(cursor_scripts().move, std::move(arguments), owner_.replicas_,
        first.empty() ? &Work::on_moved : &Work::on_cursor);
  }

  // A new one has to find room first.
  void on_moved(const RedisReply& reply) {
    if (reply.items.empty() || !reply.items[0].is_text("absent")) return on_cursor(reply);
    if (move_.generation) return finish(refusal(CursorRefusal::fenced));
    admit(&Work::on_admitted);
  }

  void admit(Step step) { run_on_index(cursor_scripts().admit, name_and_bounds(), 0, step); }

  void on_admitted(const RedisReply& reply) {
    if (reply.integer < 1) return finish(refusal(CursorRefusal::quota));
    send_move(std::to_string(reply.integer));
  }

  void on_room(const RedisReply& reply) {
    finish(reply.integer < 1 ? refusal(CursorRefusal::quota) : CursorAnswer{std::optional<Cursor>{}});
  }

  void on_cursor(const RedisReply& reply) {
    const std::string_view what = reply.items.empty() ? std::string_view{} : std::string_view{reply.items[0].text};
    if (what == "absent") return finish(std::optional<Cursor>{});
    if (what == "fenced") return finish(refusal(CursorRefusal::fenced));
    if (what == "wide") return finish(refusal(CursorRefusal::too_wide));
    auto cursor = parse_cursor(reply);
    if (what != "ok" || !cursor) return finish(refusal(CursorRefusal::damaged));
    const bool tell_index = reply.items[1].integer != 0;
    if (!tell_index) return finish(CursorAnswer{std::move(cursor)});
    reply_(CursorAnswer{std::move(cursor)});
    is_answered_ = true;
    admit(&Work::on_told);
  }

  void on_told(const RedisReply&) { finish(std::optional<Cursor>{}); }

  // Whoever makes it again begins at the floor, which has to lie above its generation before it is gone. A reset in
  // between has given it another: the floor is raised again.
  void send_erase(std::string floor_is_above) {
    generation_ = std::move(floor_is_above);
    run(cursor_scripts().erase, {generation_}, owner_.replicas_, &Work::on_erased);
  }

  void on_erased(const RedisReply& reply) {
    const auto& items = reply.items;
    if (items.size() == 1 && items[0].is_text("absent")) {
      return run_on_index(cursor_scripts().forget, {key_.name}, 0, &Work::on_forgotten);
    }
    if (items.size() != 2) return finish(refusal(CursorRefusal::away, "not what the script answers"));
    if (++raises_ > kRaisesMax) {
      return finish(refusal(CursorRefusal::away, "A cursor was not deleted: it is reset all the time."));
    }
    generation_ = items[1].text;
    run_on_index(cursor_scripts().raise, {ttl(), generation_}, owner_.replicas_, &Work::on_raised);
  }
  void on_raised(const RedisReply&) { send_erase(generation_); }
  void on_forgotten(const RedisReply&) { finish(std::optional<Cursor>{}); }

  // The end of this object.
  void finish(CursorAnswer answer) {
    if (!is_answered_) reply_(std::move(answer));
    owner_.works_.erase(place_);
  }

  RedisCursors& owner_;
  const CursorKey key_;
  const Reply<CursorAnswer> reply_;
  bool is_answered_ = false;
  CursorMove move_;
  std::string generation_;  // above which an erase has raised the floor
  int raises_ = 0;
  Ask<RedisAnswer> ask_;
  std::list<Work>::iterator place_;
};

RedisCursors::RedisCursors(RedisLink& link, RedisLink& confirming, Loop& loop, std::string prefix,
                           CursorOptions options, int replicas)
    : link_{link},
      confirming_{confirming},
      loop_{loop},
      prefix_{std::move(prefix)},
      options_{options},
      replicas_{replicas} {}

RedisCursors::~RedisCursors() = default;

std::string RedisCursors::key_of(const CursorKey& key) const {
  std::string text = prefix_ + ":cursor:{";
  append_percent_encoded(text, key.principal);
  text += ':';
  append_percent_encoded(text, key.name);
  return text += '}';
}

std::string RedisCursors::index_of(const std::string& principal) const {
  std::string text = prefix_ + ":cursors:{";
  append_percent_encoded(text, principal);
  return text += ":}";
}

Ask<CursorAnswer> RedisCursors::start(const CursorKey& key, Then then, const std::function<void(Work&)>& first) {
  auto [ask, reply] = make_ask<CursorAnswer>(loop_, std::move(then));
  Work& work = works_.emplace_back(*this, key, reply);
  work.set_place(std::prev(works_.end()));
  first(work);
  return std::move(ask);
}

Ask<CursorAnswer> RedisCursors::read(const CursorKey& key, Then then) {
  return start(key, std::move(then), [](Work& work) { work.read(); });
}

Ask<CursorAnswer> RedisCursors::move(const CursorKey& key, CursorMove move, Then then) {
  return start(key, std::move(then), [&move](Work& work) { work.move(std::move(move)); });
}

Ask<CursorAnswer> RedisCursors::erase(const CursorKey& key, Then then) {
  return start(key, std::move(then), [](Work& work) { work.erase(); });
}

Ask<CursorAnswer> RedisCursors::find_room(const CursorKey& key, Then then) {
  return start(key, std::move(then), [](Work& work) { work.find_room(); });
}

}  // namespace tailgate
