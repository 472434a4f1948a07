#include "server/handlers/stream_start.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace tailgate {

StreamStartQuestion::StreamStartQuestion(StreamRequest& request, StreamContext& context, Then then)
    : request_{request}, context_{context}, then_{std::move(then)} {}

void StreamStartQuestion::start(const Feed& feed) {
  wanted_.reserve(feed.partitions().size());
  for (const Feed::Partition& partition : feed.partitions()) {
    Wanted wanted{partition.source, partition.topic, request_.position.contains(partition.topic)};
    const auto saved = request_.saved.find(partition.topic);
    if (saved != request_.saved.end() && saved->second.contains(partition.source.partition)) wanted.is_by_id = true;
    const RecordLog& log = partition.follow->log();
    if (log.epoch() != 0) wanted.head = log.next() - 1;
    wanted_.push_back(std::move(wanted));
  }
  ask();
}

bool StreamStartQuestion::needs_ends() const {
  if (std::holds_alternative<UntilNow>(request_.until)) return true;
  const bool is_latest = std::holds_alternative<FromLatest>(request_.from);
  const bool is_time = std::holds_alternative<FromTime>(request_.from);
  return !is_time && std::any_of(wanted_.begin(), wanted_.end(), [&](const Wanted& wanted) {
    return !wanted.is_by_id && !(is_latest && wanted.head != kNotStarted);
  });
}

std::vector<TopicPartition> StreamStartQuestion::sources(bool with_those_by_id) const {
  std::vector<TopicPartition> sources;
  for (const Wanted& wanted : wanted_) {
    if (with_those_by_id || !wanted.is_by_id) sources.push_back(wanted.source);
  }
  return sources;
}

void StreamStartQuestion::ask() {
  // Counted before the first is asked: none is answered within the call, but all are within the count.
  if (needs_ends()) {
    ++open_questions_;
    ends_ask_ = context_.catalog.ends(sources(true), context_.loop,
                                      [this](const Catalog::EndsAnswer& answer) { on_answer(answer, ends_); });
  }
  const auto* from = std::get_if<FromTime>(&request_.from);
  const std::vector<TopicPartition> by_from = from != nullptr ? sources(false) : std::vector<TopicPartition>{};
  if (!by_from.empty()) {
    ++open_questions_;
    from_ask_ =
        context_.catalog.offsets_at(by_from, from->wall_ms, context_.loop,
                                    [this](const Catalog::OffsetsAnswer& answer) { on_answer(answer, from_offsets_); });
  }
  if (const auto* until = std::get_if<UntilTime>(&request_.until)) {
    ++open_questions_;
    until_ask_ = context_.catalog.offsets_at(
        sources(true), until->wall_ms, context_.loop,
        [this](const Catalog::OffsetsAnswer& answer) { on_answer(answer, until_offsets_); });
  }
  if (open_questions_ == 0) finish();
}

template <class Value>
void StreamStartQuestion::on_answer(const Result<Value>& answer, Value& value) {
  if (answer) {
    value = *answer;
  } else {
    error_ = answer.error();
  }
  if (--open_questions_ == 0) finish();
}

Offset StreamStartQuestion::start_of(const Wanted& wanted) const {
  if (std::holds_alternative<FromTime>(request_.from)) {
    const auto it = from_offsets_.find(wanted.source);
    return it == from_offsets_.end() ? kNothingPassed : it->second - 1;
  }
  if (std::holds_alternative<FromLatest>(request_.from) && wanted.head != kNotStarted) return wanted.head;
  const auto it = ends_.find(wanted.source);
  if (it == ends_.end()) return kNothingPassed;  // made since the question: from its beginning
  const PartitionEnds& ends = it->second;
  if (std::holds_alternative<FromEarliest>(request_.from)) return ends.begin - 1;
  if (const auto* back = std::get_if<FromBack>(&request_.from))
    return std::max(ends.begin, ends.readable - back->offsets) - 1;
  return ends.readable - 1;
}

Offset StreamStartQuestion::until_of(const Wanted& wanted) const {
  if (std::holds_alternative<UntilTime>(request_.until)) {
    const auto it = until_offsets_.find(wanted.source);
    return it == until_offsets_.end() ? kNothingPassed : it->second - 1;
  }
  const auto it = ends_.find(wanted.source);
  return it == ends_.end() ? kNothingPassed : it->second.readable - 1;
}

void StreamStartQuestion::finish() {
  const Then then = std::move(then_);
  if (error_) return then(*error_);
  StreamStart start;
  start.passed = std::move(request_.position);
  for (auto& [topic, parts] : request_.saved) start.passed[topic].merge(parts);
  for (const Wanted& wanted : wanted_) {
    TopicPosition& topic = start.passed[wanted.topic];
    if (!wanted.is_by_id) {
      topic.emplace(wanted.source.partition, start_of(wanted));
    } else {
      topic.emplace(wanted.source.partition, kNothingPassed);  // the id names the topic and not it: it was not there
    }
  }
  if (auto* until = std::get_if<UntilPosition>(&request_.until)) {
    start.until = std::move(until->position);
  } else if (!std::holds_alternative<UntilNever>(request_.until)) {
    start.until.emplace();
    for (const Wanted& wanted : wanted_) (*start.until)[wanted.topic][wanted.source.partition] = until_of(wanted);
  }
  then(std::move(start));
}

}  // namespace tailgate
