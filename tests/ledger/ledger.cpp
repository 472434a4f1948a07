#include "tests/ledger/ledger.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/ledger/payload.h"
#include "tests/ledger/stream_id.h"
#include "tests/ledger/truth.h"

namespace tailgate::ledger {

namespace {

std::string_view name_of_entry(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::connect:
      return "connect";
    case Entry::Kind::response:
      return "response";
    case Entry::Kind::close:
      return "close";
    case Entry::Kind::seen:
      break;
  }
  return name_of(entry.seen);
}

std::int64_t offset_in_id(const ClientPlan& plan, const std::string& id, std::int32_t partition) {
  std::int64_t found = -1;
  read_id(id, plan.partition.value_or(0), [&](std::string_view topic, std::int32_t its, std::int64_t offset) {
    if (its == partition && (topic.empty() || topic == plan.topics.front())) found = offset;
  });
  return found;
}

}  // namespace

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string ClientPlan::target() const {
  std::string target = "/streams/";
  for (const auto& topic : topics) target += (&topic == &topics.front() ? "" : ",") + topic;
  if (partition) target += "/" + std::to_string(*partition);
  switch (shape.representation) {
    case Representation::sse:
      target += "?as=sse";
      if (shape.is_envelope && topics.size() == 1) target += "&format=envelope";
      break;
    case Representation::ndjson:
      target += "?as=ndjson";
      break;
    case Representation::long_poll:
      target += "?as=json&wait=" + std::to_string(kPollWaitS) + "&limit=200";
      break;
  }
  if (!key.empty()) target += "&key=" + key;
  return target;
}

std::int32_t Ledger::add_client(ClientPlan plan) {
  plans_.push_back(std::move(plan));
  entries_.emplace_back();
  return static_cast<std::int32_t>(plans_.size()) - 1;
}

void Ledger::append(Entry entry) {
  auto& entries = entries_[static_cast<std::size_t>(entry.client)];
  entries.push_back(std::move(entry));
}

std::size_t Ledger::size() const {
  std::size_t size = 0;
  for (const auto& entries : entries_) size += entries.size();
  return size;
}

std::string Ledger::line(const Entry& entry) const {
  std::ostringstream out;
  out << entry.at_us / 1000 << "ms client " << entry.client << " connection " << entry.connection << " replica "
      << entry.replica << ' ' << name_of_entry(entry);
  if (entry.topic >= 0) {
    out << ' ' << plans_[static_cast<std::size_t>(entry.client)].topics[static_cast<std::size_t>(entry.topic)] << '/'
        << entry.partition;
  }
  if (entry.offset >= 0) out << " offset " << entry.offset;
  if (entry.from >= 0 || entry.to >= 0) out << " from " << entry.from << " to " << entry.to;
  if (entry.status != 0) out << " status " << entry.status;
  if (!entry.id.empty()) out << " id " << entry.id;
  if (entry.kind == Entry::Kind::close) out << " silence " << entry.silence_us / 1000 << "ms";
  if (entry.lost_behind_id_line) out << " (cut behind an id line)";
  if (!entry.text.empty()) out << " \"" << entry.text << '"';
  return out.str();
}

bool Ledger::write(const std::string& path) const {
  std::vector<const Entry*> all;
  all.reserve(size());
  for (const auto& entries : entries_) {
    for (const auto& entry : entries) all.push_back(&entry);
  }
  std::ranges::stable_sort(all, {}, [](const Entry* entry) { return entry->at_us; });
  std::ofstream out{path};
  for (const auto* entry : all) out << line(*entry) << '\n';
  return static_cast<bool>(out.flush());
}

Entry entry_of(const ClientPlan& plan, const Seen& seen) {
  Entry entry;
  entry.seen = seen.kind;
  entry.id = seen.id;
  entry.partition = seen.partition;
  entry.offset = seen.offset;
  entry.from = seen.from;
  entry.to = seen.to;
  entry.newlines_lost = seen.newlines_lost;
  if (seen.key_known) entry.key = seen.key;
  if (seen.kind != Seen::Kind::record) {
    entry.text = seen.bytes;
  } else {
    const auto hash = ContentHash::of(seen.content, seen.bytes);
    entry.hash = seen.newlines_lost ? hash.newlines_lost : hash.exact;
    if (entry.partition < 0) {
      entry.partition =
          plan.partition ? *plan.partition : partition_in(seen.content, seen.bytes, seen.key).value_or(-1);
    }
    if (entry.offset < 0) entry.offset = offset_in_id(plan, seen.id, entry.partition);
  }
  if (seen.kind == Seen::Kind::record || seen.kind == Seen::Kind::gap || seen.kind == Seen::Kind::reset) {
    const auto found = std::ranges::find(plan.topics, seen.topic);
    if (seen.topic.empty()) {
      entry.topic = 0;
    } else if (found != plan.topics.end()) {
      entry.topic = static_cast<std::int32_t>(found - plan.topics.begin());
    } else {
      entry.seen = Seen::Kind::malformed;
      entry.text = "of a topic that was not asked for: " + seen.topic;
    }
  }
  return entry;
}

}  // namespace tailgate::ledger
