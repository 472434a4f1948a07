// The Kafka side of tailgate in the test's own process, on a real Kafka: what is read is asked for as an io thread
// would.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/kafka_streams.h"
#include "tests/support/wait.h"

namespace tailgate::test {

class KafkaReading {
 public:
  explicit KafkaReading(const std::string& bootstrap, KafkaStreamsOptions options = {},
                        const std::vector<std::string>& topics = {"*"}) {
    options.kafka.bootstrap = bootstrap;
    auto streams = KafkaStreams::open(
        options, *Exposure::parse(topics), clock_,
        [this](ReportLevel, const std::string& line) { lines_.push_back(line); }, /*loop_index=*/1);
    if (!streams) throw std::runtime_error{streams.error().detail};
    streams_ = std::move(*streams);
  }

  KafkaCatalog& catalog() { return streams_->catalog(); }
  TailReader& tails() { return streams_->tails(); }
  PageHistory& history() { return streams_->history(); }
  const KafkaReports& reports() const { return streams_->reports(); }
  StepLoop& loop() { return loop_; }
  // Of the log, so far. Only once the streams are closed: they write it.
  const std::vector<std::string>& close_and_read_log() {
    streams_.reset();
    return lines_;
  }

  // Runs this thread's loop until it is so; false when it was not in time.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_so, Deadline deadline = in(kPatience)) {
    while (!is_so()) {
      if (test::Clock::now() > deadline) return false;
      if (!loop_.run()) loop_.wait(5);
    }
    return true;
  }
  [[nodiscard]] bool run_until_known(const std::string& topic, std::int32_t partitions = 1) {
    return run_until([&] {
      const auto topics = catalog().topics();
      const auto found = topics->by_name.find(topic);
      return found != topics->by_name.end() && found->second.partitions >= partitions;
    });
  }

  template <class Answer>
  Answer ask(const std::function<Ask<Answer>(std::function<void(Answer)>)>& question) {
    std::optional<Answer> got;
    const auto asking = question([&](Answer answer) { got.emplace(std::move(answer)); });
    if (!run_until([&] { return got.has_value(); })) throw std::runtime_error{"no answer"};
    return std::move(*got);
  }
  Catalog::EndsAnswer ends(const std::vector<TopicPartition>& partitions) {
    return ask<Catalog::EndsAnswer>([&](auto then) { return catalog().ends(partitions, loop_, std::move(then)); });
  }
  Catalog::OffsetsAnswer offsets_at(const TopicPartition& partition, std::int64_t wall_ms) {
    return ask<Catalog::OffsetsAnswer>(
        [&](auto then) { return catalog().offsets_at({partition}, wall_ms, loop_, std::move(then)); });
  }
  HistoryAnswer read(const TopicPartition& partition, Offset offset, Headers headers = Headers::left_out) {
    return ask<HistoryAnswer>(
        [&](auto then) { return history().read(partition, offset, headers, loop_, std::move(then)); });
  }

  // What history gives from `next` on until it says that there is nothing yet: offset and value of each record.
  struct Read {
    Offset offset;
    std::optional<std::string> value;
    bool operator==(const Read&) const = default;
  };
  std::vector<Read> read_all(const TopicPartition& partition, Offset next, Offset* end = nullptr) {
    std::vector<Read> all;
    while (true) {
      const HistoryAnswer answer = read(partition, next);
      if (const auto* not_yet = std::get_if<HistoryNotYet>(&answer)) {
        if (end != nullptr) *end = not_yet->readable;
        return all;
      }
      if (!std::holds_alternative<std::shared_ptr<const HistoryPage>>(answer)) {
        ADD_FAILURE() << "answer " << answer.index() << " at " << next;
        return all;
      }
      const auto page = std::get<std::shared_ptr<const HistoryPage>>(answer);
      EXPECT_LE(page->first, next);
      EXPECT_GT(page->next, next);
      for (std::size_t at = page->begin; at < page->end;) {
        const RecordView record = page->records->read(at);
        if (record.offset < next) continue;
        all.push_back(Read{record.offset, record.value ? std::optional{std::string{*record.value}} : std::nullopt});
      }
      next = page->next;
    }
  }

 private:
  SystemClock clock_;
  StepLoop loop_{clock_, 0};
  std::vector<std::string> lines_;
  std::unique_ptr<KafkaStreams> streams_;
};

// One who follows a tail from where it stands, and keeps what has come.
class TailOf {
 public:
  TailOf(KafkaReading& reading, TopicPartition partition)
      : reading_{reading}, follow_{reading.tails().follow(partition, reading.loop(), [this] { ++news; })} {
    if (!reading.run_until([&] { return follow_->log().epoch() > 0 && follow_->log().at_end(); })) {
      throw std::runtime_error{"the tail has not reached its end"};
    }
    cursor_ = follow_->log().seek(follow_->log().next());
  }
  const RecordLog& log() const { return follow_->log(); }

  // False: not before the deadline.
  [[nodiscard]] bool read_to(Offset next, Deadline deadline = in(kPatience)) {
    return reading_.run_until(
        [&] {
          RecordView record;
          RecordLog::Step step;
          while ((step = log().read(cursor_, record)) == RecordLog::Step::record) {
            offsets.push_back(record.offset);
            values.emplace_back(record.value.value_or("(null)"));
          }
          is_lost = step == RecordLog::Step::lost;
          return is_lost || cursor_.next >= next;
        },
        deadline);
  }
  void seek(Offset next) { cursor_ = log().seek(next); }
  Offset next() const { return cursor_.next; }

  std::vector<Offset> offsets;
  std::vector<std::string> values;
  bool is_lost = false;
  int news = 0;

 private:
  KafkaReading& reading_;
  std::unique_ptr<Follow> follow_;
  RecordLog::Cursor cursor_;
};

}  // namespace tailgate::test
