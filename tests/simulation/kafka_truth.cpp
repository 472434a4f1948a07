#include "tests/simulation/kafka_truth.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace tailgate::simulation {

namespace {

std::size_t index(Offset offset) { return static_cast<std::size_t>(offset); }

}  // namespace

RecordView TruthRecord::view(Headers headers_read) const {
  RecordView record;
  record.offset = offset;
  record.timestamp_ms = timestamp_ms;
  if (key) record.key = *key;
  if (value) record.value = *value;
  if (headers_read == Headers::read) record.headers = headers;
  if (headers_read == Headers::read || !has_oversize_headers) {
    record.oversize_bytes = oversize_bytes;
    record.has_oversize_headers = has_oversize_headers;
  }
  return record;
}

const TruthRecord* TruthLog::at(Offset offset) const {
  return offset >= 0 && offset < readable() ? slots_[index(offset)].get() : nullptr;
}

void TruthLog::append(TruthRecord record) {
  record.offset = end();
  slots_.push_back(std::make_shared<const TruthRecord>(std::move(record)));
}

void TruthLog::append_hole() {
  holes_.insert(end());
  slots_.push_back(nullptr);
}

void TruthLog::close(bool is_committed) {
  assert(open_);
  if (!is_committed) {
    for (Offset offset = *open_; offset < end(); ++offset) {
      holes_.insert(offset);
      slots_[index(offset)] = nullptr;
    }
  }
  open_.reset();
  append_hole();  // the marker
}

void TruthLog::compact(Offset offset) {
  auto& slot = slots_[index(offset)];
  if (!slot) return;
  former_[offset].push_back(std::exchange(slot, nullptr));
  holes_.insert(offset);
}

void TruthLog::retain_from(Offset start) {
  start_ = start;
  starts_.insert(start);
}

void TruthLog::truncate(Offset end, std::int64_t now_ms) {
  if (open_) close(false);
  end_ever_ = std::max(end_ever_, this->end());
  for (Offset offset = end; offset < this->end(); ++offset) {
    if (auto& slot = slots_[index(offset)]) former_[offset].push_back(std::exchange(slot, nullptr));
  }
  slots_.resize(index(end));
  start_ = std::min(start_, end);
  starts_.insert(start_);
  if (!truncated_to_) truncated_ms_ = now_ms;
  truncated_to_ = std::min(truncated_to_.value_or(end), end);
}

std::vector<const TruthRecord*> TruthLog::versions(Offset offset) const {
  std::vector<const TruthRecord*> all;
  if (const TruthRecord* now = at(offset)) all.push_back(now);
  if (const auto it = former_.find(offset); it != former_.end()) {
    for (const auto& record : it->second) all.push_back(record.get());
  }
  return all;
}

bool TruthLog::is_owed(Offset offset) const { return !holes_.contains(offset) && !versions(offset).empty(); }

TopicPartition Truth::any_partition() {
  auto it = topics_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(random_.below(topics_.size())));
  return {it->first, static_cast<std::int32_t>(random_.below(it->second.size()))};
}

TruthRecord Truth::make_record(const TopicPartition& to, std::int64_t wall_ms, bool is_large) {
  TruthRecord record;
  record.timestamp_ms = wall_ms;
  if (random_.chance(0.8)) record.key = kKeys[random_.below(std::size(kKeys))];
  const std::string name = to.topic + "/" + std::to_string(to.partition) + "/" + std::to_string(log(to).end()) + "#" +
                           std::to_string(++made_);
  const std::size_t kind = random_.below(20);
  if (kind == 0) {
    record.key = name;
    return record;  // a tombstone
  }
  if (kind == 1) {
    record.key = name;
    record.oversize_bytes = 1 + random_.below(5'000'000);
    return record;
  }
  std::string value = name;
  if (kind == 2) value += std::string("\xff\x00\xfe", 3);
  if (kind == 3) value = "{\"name\":\"" + name + "\",\r\n \"n\":[1, 2.50]}";
  if (kind == 4) value += "\r\nline\rline\n\n line: x\nid: 7\n";
  if (kind == 5) value = "\n " + name;
  if (is_large) {
    value.append(random_.below(random_.chance(0.3) ? 40'000 : 3'000), 'x');
  } else {
    value.append(random_.below(60), 'y');
  }
  record.value = std::move(value);
  if (kind == 6) {
    record.oversize_bytes = 1 + random_.below(5'000'000);
    record.has_oversize_headers = true;
    return record;
  }
  if (random_.chance(0.1)) RecordHeaders::pack(record.headers, "h", "v");
  return record;
}

void Truth::produce(const TopicPartition& to, std::int64_t wall_ms, bool is_large) {
  TruthLog& log = this->log(to);
  for (std::size_t n = 1 + random_.below(4); n > 0; --n) {
    if (random_.chance(0.2)) {
      log.append_hole();
    } else {
      log.append(make_record(to, wall_ms, is_large && random_.chance(0.3)));
    }
  }
}

}  // namespace tailgate::simulation
