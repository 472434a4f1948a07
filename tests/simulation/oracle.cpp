#include "tests/simulation/oracle.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/utf8.h"
#include "cursors/id.h"
#include "streams/encoder.h"

namespace tailgate::simulation {

namespace {

constexpr std::int64_t kGraceMs = 10'000;

// The number or the string behind "name": in a flat JSON object.
std::string member(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string{name} + "\":";
  const auto at = json.find(key);
  if (at == std::string_view::npos) return "";
  std::string_view value = json.substr(at + key.size());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return std::string{value.substr(0, value.find('"'))};
  }
  return std::string{value.substr(0, value.find_first_of(",}"))};
}

Offset number(const std::string& text) {
  Offset value = -2;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// As the HTML standard has a value come out of its data lines.
std::string lines_joined(std::string_view value) {
  std::string joined;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool is_crlf = value[i] == '\r' && i + 1 < value.size() && value[i + 1] == '\n';
    if (is_crlf) ++i;
    joined += value[i] == '\r' ? '\n' : value[i];
  }
  return joined;
}

std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 300)) {
    if (c == '\n') {
      out += "\\n";
    } else if (c < ' ' || c > '~') {
      out += '?';
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void Oracle::fail(const std::string& text) {
  if (failure_.empty()) failure_ = text;
}

Offset Oracle::passed(const Partition& partition) const {
  const auto it = passed_.find(partition);
  return it == passed_.end() ? kNothingPassed : it->second;
}

const TruthLog* Oracle::log(const Partition& partition) const {
  const TopicPartition name{partition.first, partition.second};
  return truth_.has(name) ? &truth_.log(name) : nullptr;
}

bool Oracle::matches(const TruthRecord& record) const {
  return spec_.keys.empty() ||
         (record.key && std::find(spec_.keys.begin(), spec_.keys.end(), *record.key) != spec_.keys.end());
}

bool Oracle::is_owed(const TruthLog& log, Offset offset) const {
  if (!log.is_owed(offset)) return false;
  const auto versions = log.versions(offset);
  return std::all_of(versions.begin(), versions.end(), [this](const TruthRecord* r) { return matches(*r); });
}

void Oracle::on_response(Bounds bounds) {
  bounds_ = std::move(bounds);
  response_records_ = 0;
  is_first_block_ = true;
  has_ended_ = false;
  fault_.clear();
}

void Oracle::on_started(const Position& resolved) {
  if (has_started_) return;
  has_started_ = true;
  for (const auto& [topic, parts] : resolved) {
    for (const auto& [partition, offset] : parts) passed_[{topic, partition}] = offset;
  }
}

void Oracle::on_forged(const std::string& topic, std::int32_t partition, Offset offset) {
  forged_[{topic, partition}] = offset;
}

std::optional<Position> Oracle::parse(const Block& block) {
  const auto id = parse_id(block.id, IdScope{spec_.topics, spec_.partition});
  if (!id) {
    fail("an id that does not parse: " + quoted(block.id));
    return std::nullopt;
  }
  if (id->ended != (block.event == "end")) fail("'!' where it should not be, or not where it should: " + block.id);
  return id->position;
}

void Oracle::on_block(const Block& block) {
  if (!block.is_id_last) fail("id is not the last field of a block: " + quoted(block.event));
  const auto to = parse(block);
  if (!to) return;
  if (has_ended_) fail("a block behind the end: " + quoted(block.data));
  const bool is_first = std::exchange(is_first_block_, false);
  const std::string first = spec_.format == EventFormat::ndjson ? "start" : "position";
  if (is_first && has_started_ && asks_for_first_block_ && block.event != first)
    fail("the first block is " + quoted(block.event));
  if (!has_started_) on_started(*to);  // its first block was lost on the way
  if (block.event == "position" || block.event == "start" || block.event == "reconnect") return move(*to, {}, block);
  if (block.event == "gap") return on_gap(block, *to);
  if (block.event == "reset") return on_reset(block, *to);
  if (block.event == "end") return on_end(block);
  if (block.event == "fault") {
    fault_ = member(block.data, "code");
    has_ended_ = true;
    return move(*to, {}, block);
  }
  on_record(block, *to);
}

std::string Oracle::wrong_move(const Position& to, const Explained& explained) const {
  std::map<Partition, Offset> next;
  for (const auto& [partition, offset] : passed_) next[partition] = kNothingPassed;
  for (const auto& [topic, parts] : to) {
    for (const auto& [partition, offset] : parts) next[{topic, partition}] = offset;
  }
  for (const auto& [partition, now] : next) {
    const Offset was = passed(partition);
    if (explained.is_reset && explained.partition == partition) continue;
    const std::string name = partition.first + "/" + std::to_string(partition.second);
    if (now < was) return "an id went back: " + name + " from " + std::to_string(was) + " to " + std::to_string(now);
    const TruthLog* log = this->log(partition);
    if (log == nullptr) {
      if (now != was) return "moved in a partition that is not there: " + name;
      continue;
    }
    for (Offset offset = was + 1; offset <= std::min(now, log->end_ever() - 1); ++offset) {
      const bool is_explained = explained.partition == partition && offset >= explained.from && offset <= explained.to;
      if (!is_explained && is_owed(*log, offset)) {
        return "lost: " + name + ":" + std::to_string(offset) + " (moved from " + std::to_string(was) + " to " +
               std::to_string(now) + ", the log is [" + std::to_string(log->start()) + ", " +
               std::to_string(log->readable()) + "))";
      }
    }
  }
  return "";
}

void Oracle::move(const Position& to, const Explained& explained, const Block& block) {
  const std::string wrong = wrong_move(to, explained);
  if (!wrong.empty()) fail(wrong + "; at " + quoted(block.event) + " " + quoted(block.data) + " id " + block.id);
  for (auto& [partition, offset] : passed_) offset = kNothingPassed;
  for (const auto& [topic, parts] : to) {
    for (const auto& [partition, offset] : parts) passed_[{topic, partition}] = offset;
  }
}

bool Oracle::is_seen(const Block& block, const Partition& partition, const TruthRecord& record) const {
  if (!matches(record)) return false;
  if (spec_.format != EventFormat::sse_value) {
    std::string front;
    append_front(front, spec_.format, partition.first, partition.second, record.view());
    if (spec_.format == EventFormat::ndjson || spec_.format == EventFormat::json)
      return block.event == "record" && block.data == front;
    return block.event.empty() && "data: " + block.data + "\n" == front;
  }
  if (record.oversize_bytes > 0 && !record.has_oversize_headers) {
    const std::string data = R"({"topic":")" + partition.first + R"(","partition":)" +
                             std::to_string(partition.second) + R"(,"offset":)" + std::to_string(record.offset) +
                             R"(,"size":)" + std::to_string(record.oversize_bytes) + "}";
    return block.event == "oversize" && block.data == data;
  }
  if (!record.value) return block.event == "tombstone" && block.data == lines_joined(record.key.value_or(""));
  if (!is_utf8_text(*record.value)) return block.event == "binary" && block.data == base64(*record.value);
  return block.event.empty() && block.data == lines_joined(*record.value);
}

void Oracle::on_record(const Block& block, const Position& to) {
  ++records_;
  ++response_records_;
  if (bounds_.limit && response_records_ > *bounds_.limit) fail("a record more than the limit");
  std::string wrong = "phantom: no such record";
  for (const auto& [topic, parts] : to) {
    for (const auto& [partition, offset] : parts) {
      const Partition name{topic, partition};
      const TruthLog* log = this->log(name);
      if (log == nullptr || offset < 0 || offset >= log->end_ever()) continue;
      const auto versions = log->versions(offset);
      const bool is_this = std::any_of(versions.begin(), versions.end(),
                                       [&](const TruthRecord* record) { return is_seen(block, name, *record); });
      if (!is_this) continue;
      if (offset == passed(name)) {
        wrong = "twice: " + topic + "/" + std::to_string(partition) + ":" + std::to_string(offset);
        continue;
      }
      wrong = wrong_move(to, {name, offset, offset, false});
      if (!wrong.empty()) continue;
      if (bounds_.until) {
        const auto end = bounds_.until->find(topic);
        const bool is_inside =
            end != bounds_.until->end() && end->second.contains(partition) && offset <= end->second.at(partition);
        if (!is_inside) fail("a record beyond until: " + std::to_string(offset));
      }
      return move(to, {name, offset, offset, false}, block);
    }
  }
  fail(wrong + "; at record " + quoted(block.event) + " " + quoted(block.data) + " id " + block.id);
}

void Oracle::on_gap(const Block& block, const Position& to) {
  ++gaps_;
  const Partition name{member(block.data, "topic"), static_cast<std::int32_t>(number(member(block.data, "partition")))};
  const Offset from = number(member(block.data, "from"));
  const Offset last = number(member(block.data, "to"));
  const TruthLog* log = this->log(name);
  if (log == nullptr) return fail("a gap in a partition that is not there");
  const bool is_until = bounds_.until && bounds_.until->contains(name.first) &&
                        bounds_.until->at(name.first).contains(name.second) &&
                        bounds_.until->at(name.first).at(name.second) == last;
  const bool is_true = log->was_start(last + 1) || (is_until && last < log->start_max());
  if (!is_true || from > last) {
    return fail("a false gap: [" + std::to_string(from) + ", " + std::to_string(last) + "], the log starts at " +
                std::to_string(log->start()));
  }
  if (from <= passed(name)) fail("a gap that begins at or below what has passed: " + std::to_string(from));
  const auto topic = to.find(name.first);
  if (topic == to.end() || !topic->second.contains(name.second) || topic->second.at(name.second) != last) {
    fail("the id of a gap does not stand at its end: " + block.id);
  }
  move(to, {name, from, last, false}, block);
}

void Oracle::on_reset(const Block& block, const Position& to) {
  ++resets_;
  const Partition name{member(block.data, "topic"), static_cast<std::int32_t>(number(member(block.data, "partition")))};
  const Offset asked = number(member(block.data, "asked"));
  const Offset from = number(member(block.data, "from"));
  const TruthLog* log = this->log(name);
  const auto forged = forged_.find(name);
  const bool is_forged = forged != forged_.end() && asked == forged->second + 1;
  if (!is_forged) {
    if (log == nullptr || !log->was_beyond(asked)) {
      return fail("a reset of what was never truncated: asked " + std::to_string(asked));
    }
    if (clock_.steady_ms() < log->truncated_ms() + kGraceMs) fail("a reset before the grace was over");
  }
  if (asked <= passed(name)) fail("a reset from below what has passed: " + std::to_string(asked));
  const auto topic = to.find(name.first);
  const bool is_named = topic != to.end() && topic->second.contains(name.second);
  if (is_named && topic->second.at(name.second) != from - 1) fail("the id of a reset is not where it goes on");
  if (log != nullptr && from > log->end_ever()) fail("a reset to beyond the end");
  move(to, {name, 0, -1, true}, block);
}

void Oracle::on_end(const Block& block) {
  has_ended_ = true;
  const std::string reason = member(block.data, "reason");
  if (const auto to = parse(block)) move(*to, {}, block);
  if (reason == "limit") {
    if (!bounds_.limit || response_records_ != *bounds_.limit) fail("an end by a limit that was not reached");
    return;
  }
  if (reason != "until" || !bounds_.until) return fail("an end that nobody asked for: " + quoted(reason));
  for (const auto& [topic, parts] : *bounds_.until) {
    for (const auto& [partition, offset] : parts) {
      const TruthLog* log = this->log({topic, partition});
      const bool is_gone = log != nullptr && log->was_beyond(offset);  // truncated: it ended where there was no more
      if (!is_gone && passed({topic, partition}) < offset) fail("ended before until: " + std::to_string(offset));
    }
  }
}

std::string Oracle::unrest() const {
  for (const std::string& topic : spec_.topics) {
    const auto logs = truth_.topics().find(topic);
    if (logs == truth_.topics().end()) continue;
    for (std::size_t i = 0; i < logs->second.size(); ++i) {
      const auto partition = static_cast<std::int32_t>(i);
      if (spec_.partition && partition != *spec_.partition) continue;
      const TruthLog& log = logs->second[i];
      const Offset was = passed({topic, partition});
      const std::string name = topic + "/" + std::to_string(partition) + ":";
      if (was >= log.end()) return "left beyond the end: " + name + std::to_string(was);
      for (Offset offset = was + 1; offset < log.readable(); ++offset) {
        if (is_owed(log, offset)) return "never delivered: " + name + std::to_string(offset);
      }
    }
  }
  return "";
}

}  // namespace tailgate::simulation
