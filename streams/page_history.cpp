#include "streams/page_history.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace tailgate {

namespace {

constexpr std::int64_t kTickMs = 200;
constexpr std::size_t kBudgetBytesFirst = std::size_t{1} << 20;
constexpr std::size_t kJoinBytesMax = std::size_t{1}
                                      << 20;  // what a run may have to read through before it passes an offset
// The same while nothing is known of its records: many who come back at once must not have a run each.
constexpr Offset kJoinOffsetsMax = 4'000;
constexpr int kRefusedMax = 3;

// The chunks of all runs together take a part of what there is.
HistoryOptions bounded(HistoryOptions options) {
  options.chunk_bytes_max = std::clamp(options.history_bytes / 64, options.chunk_bytes_first, options.chunk_bytes_max);
  return options;
}

}  // namespace

PageHistory::PageHistory(const std::vector<Consumer*>& consumers, Catalog& catalog, Loop& own, const Clock& clock,
                         KafkaReports& reports, HistoryOptions options)
    : catalog_{catalog},
      own_{own},
      clock_{clock},
      reports_{reports},
      options_{bounded(options)},
      cache_{clock, memory_, options.history_bytes, options.kept_ms},
      readers_{*this, consumers, options.runs_per_consumer},
      tick_{*this, [](PageHistory& self) { self.on_tick(); }} {
  own_.timers().set(tick_, kTickMs);
}

PageHistory::~PageHistory() = default;

// ---- for the io threads ----

std::shared_ptr<const HistoryPage> PageHistory::find(const TopicPartition& partition, Offset offset, Headers needed) {
  auto hit = cache_.find(partition, offset, needed);
  if (!hit) return nullptr;
  if (hit->is_first_ask) {
    own_.post([this, partition, run = hit->run, first = hit->page->first, bytes = PageCache::bytes_of(*hit->page)] {
      page_asked(partition, run, first, bytes);
    });
  }
  const std::scoped_lock lock{counts_mutex_};
  ++counts_.hits;
  return std::move(hit->page);
}

Ask<HistoryAnswer> PageHistory::read(const TopicPartition& partition, Offset offset, Headers needed, Loop& loop,
                                     std::function<void(HistoryAnswer)> then) {
  assert(offset >= 0);
  auto [ask, reply] = make_ask<HistoryAnswer>(loop, std::move(then));
  if (auto page = find(partition, offset, needed)) {
    reply(std::move(page));
    return std::move(ask);
  }
  {
    const std::scoped_lock lock{counts_mutex_};
    ++counts_.misses;
  }
  own_.post([this, partition, asker = Asker{offset, needed, reply, clock_.steady_ms()}] { want(partition, asker); });
  return std::move(ask);
}

void PageHistory::drop(const TopicPartition& partition) {
  cache_.drop(partition);
  own_.post([this, partition] { forget(partition); });
}

HistoryCounts PageHistory::counts() const {
  const std::scoped_lock lock{counts_mutex_};
  HistoryCounts counts = counts_;
  counts.memory_bytes = memory_.bytes();
  return counts;
}

// ---- runs ----

void PageHistory::want(const TopicPartition& partition, Asker asker) {
  if (auto page = find(partition, asker.offset, asker.headers)) {  // it came meanwhile
    asker.reply(std::move(page));
    return;
  }
  if (asker.headers == Headers::read) need_headers(partition);
  Run* run = run_towards(partition, asker.offset);
  if (run == nullptr) run = &run_from(partition, asker.offset);
  run->askers.push_back(std::move(asker));
  run->asked_ms = clock_.steady_ms();
  if (run->state == State::resting) queue(*run);
}

// Not while a run of the partition has one that needs them already: it would be forgotten.
void PageHistory::need_headers(const TopicPartition& partition) {
  if (with_headers_.try_emplace(partition, clock_.steady_ms()).second) forget(partition);
}

template <class Stays>
void PageHistory::send_on(Run& run, Stays stays) {
  const auto first = std::stable_partition(run.askers.begin(), run.askers.end(), stays);
  std::vector<Asker> leaving{std::make_move_iterator(first), std::make_move_iterator(run.askers.end())};
  run.askers.erase(first, run.askers.end());
  for (Asker& asker : leaving) want(run.partition, std::move(asker));
}

// A run that is about to pass the offset, if there is one.
HistoryRun* PageHistory::run_towards(const TopicPartition& partition, Offset offset) {
  const auto runs = runs_.find(partition);
  if (runs == runs_.end()) return nullptr;
  for (auto& [id, run] : runs->second) {
    if (offset < run.page_first || run.state == State::asking) continue;
    if (is_near(run, offset)) return &run;
  }
  return nullptr;
}

// It will pass the offset soon, as far as is known.
bool PageHistory::is_near(const Run& run, Offset offset) {
  if (offset <= run.next) return true;
  if (run.is_at_end) return false;
  if (run.bytes == 0) return offset - run.next < kJoinOffsetsMax;
  const double bytes_an_offset = static_cast<double>(run.bytes) / static_cast<double>(run.next - run.first);
  return static_cast<double>(offset - run.next) * bytes_an_offset < static_cast<double>(kJoinBytesMax);
}

HistoryRun& PageHistory::run_from(const TopicPartition& partition, Offset offset) {
  auto& runs = runs_[partition];
  for (auto& [id, run] : runs) {
    // One that has not begun may as well begin a little earlier: it waits for its place on a consumer.
    if (run.state != State::waiting || run.bytes > 0 || run.next != run.first) continue;
    if (offset > run.first || run.first - offset >= kJoinOffsetsMax) continue;
    run.first = run.next = run.page_first = offset;
    return run;
  }
  const std::uint64_t id = ++last_run_;
  Run& run = runs[id];
  run.id = id;
  run.partition = partition;
  run.headers = with_headers_.contains(partition) ? Headers::read : Headers::left_out;
  run.first = run.next = run.page_first = offset;
  run.chunk_bytes = options_.chunk_bytes_first;
  return run;
}

void PageHistory::page_asked(const TopicPartition& partition, std::uint64_t id, Offset first, std::size_t bytes) {
  const auto runs = runs_.find(partition);
  if (runs == runs_.end()) return;
  const auto found = runs->second.find(id);
  if (found == runs->second.end()) return;
  Run& run = found->second;
  run.asked_ms = clock_.steady_ms();
  run.ahead_bytes -= bytes;
  ahead_bytes_ -= bytes;
  if (first > run.first) {  // one who reads on
    run.budget_bytes = std::clamp(2 * run.budget_bytes, kBudgetBytesFirst, options_.ahead_bytes_max);
  }
  if (run.state == State::resting && 2 * run.ahead_bytes <= run.budget_bytes && may_read_ahead(run)) queue(run);
}

// What was read, of a log that has been replaced or without headers, must not be answered with; those who wait ask
// again.
void PageHistory::forget(const TopicPartition& partition) {
  cache_.drop(partition);
  const auto runs = runs_.find(partition);
  if (runs == runs_.end()) return;
  std::vector<Asker> askers;
  for (auto& [id, run] : runs->second) {
    if (run.state == State::reading) {
      run.reader->stop(run);
      run.reader = nullptr;
    }
    std::erase(waiting_, &run);
    std::erase(touched_, &run);
    ahead_bytes_ -= run.ahead_bytes;
    std::move(run.askers.begin(), run.askers.end(), std::back_inserter(askers));
  }
  runs_.erase(runs);
  for (const Asker& asker : askers) want(partition, asker);
  start_waiting();
}

void PageHistory::queue(Run& run) {
  run.state = State::waiting;
  run.event_ms = clock_.steady_ms();
  waiting_.push_back(&run);
  start_waiting();
}

void PageHistory::start_waiting() {
  if (waiting_.empty() || !readers_.has_place()) return;
  const bool is_full = !cache_.make_room(0);
  count_unasked();
  bool is_reading = readers_.runs() > 0;
  std::size_t silent = readers_.silent_runs();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    Run& run = **it;
    const bool waits_for_memory = is_full && is_reading && clock_.steady_ms() - run.event_ms < options_.full_ms;
    const bool waits_for_others = run.is_silent && silent >= readers_.silent_max();
    HistoryReader* reader = waits_for_memory || waits_for_others ? nullptr : readers_.place_for(run);
    if (reader == nullptr) {
      ++it;
      continue;
    }
    it = waiting_.erase(it);
    silent += run.is_silent ? 1 : 0;
    run.state = State::reading;
    run.reader = reader;
    run.event_ms = clock_.steady_ms();
    run.look_at = run.next;
    is_reading = true;
    ++totals_.starts;
    reader->start(run);
  }
}

// Off the consumer, with all that has come.
void PageHistory::stop(Run& run) {
  run.reader->stop(run);
  run.reader = nullptr;
  run.state = State::resting;
  if (run.next > run.page_first) cut(run, run.next);
  leave_chunk(run);
}

void PageHistory::leave_chunk(Run& run) {
  run.chunk.reset();
  run.page_begin = 0;
}

void PageHistory::erase(const Run& run) {
  ahead_bytes_ -= run.ahead_bytes;
  const auto runs = runs_.find(run.partition);
  runs->second.erase(run.id);
  if (runs->second.empty()) runs_.erase(runs);
}

bool PageHistory::may_read_ahead(const Run& run) {
  return run.ahead_bytes < run.budget_bytes && ahead_bytes_ < options_.history_bytes / 4 &&
         !cache_.peek(run.partition, run.next) && cache_.make_room(0);
}

// ---- what comes ----

void PageHistory::touch(Run& run) {
  run.refused = 0;
  run.is_silent = false;
  if (run.is_touched) return;
  run.is_touched = true;
  run.event_ms = clock_.steady_ms();  // once a step: reading the clock costs a tenth of what a record does
  touched_.push_back(&run);
}

void PageHistory::on_record(Run& run, const RecordView& record) {
  if (record.offset >= run.look_at) pass_known(run);
  if (record.offset < run.next) return touch(run);
  if (!run.chunk || !run.chunk->append(record)) {
    if (run.has_records()) cut(run, record.offset);
    run.chunk.reset();
    run.chunk = make_chunk(std::max(run.chunk_bytes, RecordChunk::bytes_of(record)));
    run.page_begin = 0;
    run.chunk_bytes = std::min(2 * run.chunk_bytes, options_.chunk_bytes_max);
    const bool fits = run.chunk->append(record);
    assert(fits);
    static_cast<void>(fits);
  }
  run.next = record.offset + 1;
  run.is_at_end = false;
  run.bytes += RecordChunk::bytes_of(record);
  ++totals_.records;
  touch(run);
}

// The page at hand ends where one begins that another run has read, and the next one begins behind that.
void PageHistory::pass_known(Run& run) {
  run.next = std::max(run.next, run.look_at);
  if (run.next > run.page_first) cut(run, run.next);
  while (const auto page = cache_.peek(run.partition, run.next)) {
    run.next = page->next;
    run.bytes += page->end - page->begin;
  }
  run.page_first = run.next;
  run.look_at = cache_.first_from(run.partition, run.next + 1);
  send_on(run, [&run](const Asker& asker) { return asker.offset >= run.next; });
}

void PageHistory::on_end(Run& run, Offset next) {
  touch(run);
  run.next = std::max(run.next, next);
  run.is_at_end = true;
  run.chunk_bytes = options_.chunk_bytes_first;
  stop(run);  // a consumer that waits at an end keeps its other partitions waiting too
  for (const Asker& asker : std::exchange(run.askers, {})) {
    if (asker.offset == run.next) {
      asker.reply(HistoryNotYet{run.next});
    } else {
      want(run.partition, asker);  // beyond: only a run that starts there can say why
    }
  }
}

void PageHistory::on_out_of_range(Run& run) {
  stop(run);
  if (run.askers.empty()) return;
  ask_ends(run);
}

void PageHistory::on_error(const Run& run, const std::string& text) {
  ++totals_.errors;
  reports_.report(ReportLevel::warning, "partition",
                  run.partition.topic + " [" + std::to_string(run.partition.partition) + "]: " + text);
}

std::shared_ptr<RecordChunk> PageHistory::make_chunk(std::size_t bytes) {
  cache_.make_room(bytes);  // what is being read is needed, whether there is room or not
  return memory_.make<RecordChunk>(bytes, bytes);
}

// A chunk that is hardly filled, in the room that it needs.
std::shared_ptr<RecordChunk> PageHistory::fitted(std::shared_ptr<RecordChunk> chunk) {
  const std::size_t bytes = chunk->published();
  if (bytes * 4 >= chunk->capacity_bytes() * 3) return chunk;
  auto small = make_chunk(bytes);
  for (std::size_t at = 0; at < bytes;) {
    const bool fits = small->append(chunk->read(at));
    assert(fits);
    static_cast<void>(fits);
  }
  return small;
}

// The page at hand is complete up to `next`: it is kept, and whoever waits for a part of it is answered.
void PageHistory::cut(Run& run, Offset next) {
  if (!run.chunk) run.chunk = make_chunk(0);
  const std::size_t begin = run.page_begin;
  // For one who takes page after page the next one comes behind it in the same chunk; what may stay alone gets a
  // chunk of its size.
  const bool goes_on = run.state == State::reading && run.budget_bytes > 0;
  if (begin == 0 && !goes_on) run.chunk = fitted(std::move(run.chunk));
  const auto page = memory_.make<const HistoryPage>(PageCache::kPageOverhead, run.partition, run.headers,
                                                    std::exchange(run.page_first, next), next, run.chunk, begin);
  run.page_begin = page->end;
  if (!goes_on) leave_chunk(run);
  bool is_asked = false;
  std::erase_if(run.askers, [&](const Asker& asker) {
    if (asker.offset < page->first || asker.offset >= page->next) return false;
    asker.reply(page);
    return is_asked = true;
  });
  if (!is_asked) {
    run.ahead_bytes += PageCache::bytes_of(*page);
    ahead_bytes_ += PageCache::bytes_of(*page);
  } else if (page->first > run.first) {
    run.budget_bytes = std::clamp(2 * run.budget_bytes, kBudgetBytesFirst, options_.ahead_bytes_max);
  }
  ++totals_.pages;
  totals_.bytes += page->end - page->begin;
  cache_.put(page, run.id, is_asked);
  run.look_at = cache_.first_from(run.partition, next);
  count_unasked();
  if (page->first != run.first) return;
  // Its first page shows how large records are: who joined before, and turns out to be far, gets a run of its own.
  send_on(run, [&run](const Asker& asker) { return is_near(run, asker.offset); });
}

void PageHistory::decide(Run& run, bool is_drained) {
  if (run.state != State::reading) return;
  if (!run.askers.empty()) {
    const bool is_waited_for = std::any_of(run.askers.begin(), run.askers.end(),
                                           [&run](const Asker& asker) { return asker.offset < run.next; });
    const bool is_worth_it = run.chunk && run.chunk->published() - run.page_begin >= options_.page_bytes_asked;
    if (is_drained && is_waited_for && is_worth_it && run.next > run.page_first) cut(run, run.next);
    if (!run.askers.empty()) return;
  }
  const bool must_stop = run.ahead_bytes > run.budget_bytes + options_.ahead_bytes_max;  // it never drains
  if ((is_drained && (!waiting_.empty() || !may_read_ahead(run))) || must_stop) stop(run);
}

bool PageHistory::step() {
  std::size_t count = 0;
  for (const auto& reader : readers_) {
    const std::size_t got = reader->poll(options_.batch_records);
    count += got;
    std::vector<Run*> touched;
    touched.swap(touched_);
    for (Run* run : touched) run->is_touched = false;
    for (Run* run : touched) decide(*run, got < options_.batch_records);
  }
  start_waiting();
  totals_.runs_waiting = waiting_.size();
  totals_.runs_reading = readers_.runs();
  const std::scoped_lock lock{counts_mutex_};
  totals_.hits = counts_.hits;
  totals_.misses = counts_.misses;
  counts_ = totals_;
  return count > 0;
}

// ---- offsets that cannot be read ----

void PageHistory::ask_ends(Run& run) {
  run.state = State::asking;
  run.ends =
      catalog_.ends({run.partition}, own_, [this, &run](const Catalog::EndsAnswer& answer) { on_ends(run, answer); });
}

// False: the offset can be read, as far as is known.
bool PageHistory::answer(const Asker& asker, const std::optional<PartitionEnds>& ends) {
  if (!ends) {
    ++totals_.downs;
    asker.reply(HistoryDown{});
  } else if (asker.offset < ends->begin) {
    asker.reply(HistoryGone{ends->begin});
  } else if (asker.offset > ends->end) {
    asker.reply(HistoryBeyond{ends->end});
  } else if (asker.offset >= ends->readable) {
    asker.reply(HistoryNotYet{ends->readable});
  } else {
    return false;
  }
  return true;
}

namespace {

std::optional<PartitionEnds> ends_of(const Catalog::EndsAnswer& answer, const TopicPartition& partition) {
  if (!answer) return std::nullopt;
  const auto found = answer->find(partition);
  if (found == answer->end()) return std::nullopt;
  return found->second;
}

}  // namespace

void PageHistory::on_ends(Run& run, const Catalog::EndsAnswer& ends_answer) {
  run.state = State::resting;
  std::optional<PartitionEnds> ends = ends_of(ends_answer, run.partition);
  const int refused = run.refused + 1;
  const TopicPartition partition = run.partition;
  std::vector<Asker> askers = std::exchange(run.askers, {});
  erase(run);
  std::erase_if(askers, [&](const Asker& asker) { return answer(asker, ends); });
  // The position became good meanwhile, or is: each starts where it wants to read, what the run was refused may have
  // been older.
  for (const Asker& asker : askers) {
    if (refused > kRefusedMax) {
      answer(asker, std::nullopt);
      continue;
    }
    want(partition, asker);
    if (Run* next = run_towards(partition, asker.offset)) next->refused = refused;
  }
}

// Nothing comes: the leader is away, or what lies between holds no record for very long, or the offset is not readable
// yet. Those who have waited are told, and the run goes on.
void PageHistory::ask_why_silent(Run& run) {
  run.ends = catalog_.ends({run.partition}, own_, [this, &run](const Catalog::EndsAnswer& ends_answer) {
    const std::optional<PartitionEnds> ends = ends_of(ends_answer, run.partition);
    const std::int64_t before_ms = clock_.steady_ms() - options_.down_ms;
    std::erase_if(run.askers, [&](const Asker& asker) {
      return asker.asked_ms <= before_ms && (answer(asker, ends) || answer(asker, std::nullopt));
    });
  });
}

void PageHistory::count_unasked() {
  for (const auto& unasked : cache_.take_unasked()) {
    const auto runs = runs_.find(unasked.partition);
    if (runs == runs_.end()) continue;
    const auto run = runs->second.find(unasked.run);
    if (run == runs->second.end()) continue;
    run->second.ahead_bytes -= unasked.bytes;
    ahead_bytes_ -= unasked.bytes;
  }
}

// `silent`: all that are on a consumer. Those that are so for longest wait behind who waits for a place, until half of
// the places are left to silent ones, and behind each other after silent_ms.
void PageHistory::give_way(std::vector<Run*> silent) {
  const auto waiting_silent = static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(), [](const Run* run) { return run->is_silent; }));
  std::size_t same = waiting_silent;
  std::size_t others = readers_.has_place() ? 0 : waiting_.size() - waiting_silent;
  std::sort(silent.begin(), silent.end(), [](const Run* a, const Run* b) { return a->event_ms < b->event_ms; });
  std::size_t staying = silent.size();
  for (Run* run : silent) {
    const bool is_over = clock_.steady_ms() - run->event_ms >= options_.silent_ms;
    if (others > 0 && (is_over || staying > readers_.silent_max())) {
      --others;
    } else if (same > 0 && is_over) {
      --same;
    } else {
      return;
    }
    --staying;
    stop(*run);
    if (!run->askers.empty()) queue(*run);
  }
}

void PageHistory::on_tick() {
  own_.timers().set(tick_, kTickMs);
  cache_.drop_old();
  cache_.make_room(0);  // those who held what there was no room for may have let go
  count_unasked();
  const std::int64_t now_ms = clock_.steady_ms();
  std::vector<const Run*> over;
  std::vector<Run*> silent;
  for (auto& [partition, runs] : runs_) {
    for (auto& [id, run] : runs) {
      if (run.state == State::resting && now_ms - run.asked_ms >= options_.rest_ms) over.push_back(&run);
      if (run.state == State::resting || run.state == State::asking) continue;
      const std::int64_t silent_ms = now_ms - run.event_ms;
      const bool has_waited = std::any_of(run.askers.begin(), run.askers.end(), [&](const Asker& asker) {
        return now_ms - asker.asked_ms >= options_.down_ms;
      });
      if (has_waited && silent_ms >= options_.down_ms && !run.ends.is_waiting()) ask_why_silent(run);
      run.is_silent = run.is_silent || (run.state == State::reading && silent_ms >= options_.down_ms);
      if (run.state != State::reading || !run.is_silent) continue;
      if (run.askers.empty() && silent_ms >= options_.silent_ms) {
        stop(run);
      } else {
        silent.push_back(&run);
      }
    }
  }
  for (const Run* run : over) erase(*run);
  for (auto& [partition, seen_ms] : with_headers_) {
    if (runs_.contains(partition)) seen_ms = now_ms;
  }
  // Those whose pages are gone.
  std::erase_if(with_headers_, [&](const auto& entry) { return now_ms - entry.second > options_.kept_ms; });
  give_way(std::move(silent));
  start_waiting();
}

}  // namespace tailgate
