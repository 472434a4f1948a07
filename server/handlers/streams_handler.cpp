#include "server/handlers/streams_handler.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cursors/id.h"
#include "server/handlers/closed_range.h"
#include "server/handlers/cursors.h"
#include "server/handlers/limit_refusal.h"
#include "server/handlers/problem.h"
#include "server/handlers/soft_refusal.h"
#include "server/handlers/stream_headers.h"
#include "server/handlers/stream_request.h"
#include "server/handlers/stream_start.h"
#include "server/http/request_rules.h"
#include "streams/coded_body.h"
#include "streams/encoder.h"
#include "streams/poll.h"
#include "streams/stream_body.h"

namespace tailgate {

namespace {

constexpr int kRetryAfterDrainS = 1;
constexpr int kRetryAfterNoRoomS = 1;

EventFormat format_of(const StreamRequest& request) {
  if (request.representation == Representation::json) return EventFormat::json;
  if (request.representation == Representation::ndjson) return EventFormat::ndjson;
  return request.format == Format::envelope ? EventFormat::sse_envelope : EventFormat::sse_value;
}

FeedSpec spec_of(const StreamRequest& request) {
  return FeedSpec{request.topics, request.partition, request.keys, format_of(request), request.gather_ms};
}

Response refusal_response(const StreamRequest& request, const Error& error) {
  if (error.code == ErrorCode::upstream_down && request.is_soft)
    return make_busy(request.id, "upstream_down", kRetryAfterDownS);
  return make_problem(error);
}

// Another replica takes it, or this one when it is back.
Response drain_refusal(const StreamRequest& request) {
  constexpr std::string_view kCode = "draining";
  if (request.is_soft) return make_busy(request.id, kCode, kRetryAfterDrainS);
  return make_problem(503, kCode, "this server is about to stop; ask again", kRetryAfterDrainS);
}

// The body that HEAD leaves out: its length is not known.
class NoBody final : public ByteSource {
 public:
  Pull prepare(std::size_t) override { return Pull{Pull::State::end, 0}; }
  void emit(std::size_t, ByteSink&) override {}
  void set_waker(Waker&) override {}
};

// Where a stream stands by its id, without what still is as it was `claimed`. Nothing where the id is none that a
// client could come back with: its topics have grown beyond what an id may name.
Position passed_beside(const Position& claimed, std::string_view id, const StreamRequest& request) {
  auto parsed = parse_id(id, {request.topics, request.partition});
  if (!parsed) return {};
  Position passed = std::move(parsed->position);
  for (const auto& [topic, parts] : claimed) {
    const auto found = passed.find(topic);
    if (found == passed.end()) continue;
    std::erase_if(found->second, [&claims = parts](const auto& part) {
      const auto claim = claims.find(part.first);
      return claim != claims.end() && claim->second == part.second;
    });
    if (found->second.empty()) passed.erase(found);
  }
  return passed;
}

// Of a stream's position and its end, which also names what has to be waited for.
std::size_t partitions_named(const StreamStart& start) {
  std::size_t count = 0;
  for (const auto& [topic, parts] : start.passed) count += parts.size();
  for (const auto& [topic, parts] : start.until ? *start.until : Position{}) {
    const auto passed = start.passed.find(topic);
    for (const auto& [partition, offset] : parts) {
      if (passed == start.passed.end() || !passed->second.contains(partition)) ++count;
    }
  }
  return count;
}

// A stream whose cursor follows what is written out.
class BookmarkedBody final : public ByteSource {
 public:
  // `stream` lives as long as the body.
  BookmarkedBody(std::unique_ptr<ByteSource> body, StreamBody& stream, StreamRequest request, Position claimed,
                 CursorCommits& commits, const CursorKey& key, std::optional<std::int64_t> generation)
      : body_{std::move(body)},
        stream_{stream},
        request_{std::move(request)},
        claimed_{std::move(claimed)},
        bookmark_{commits, key, generation, [this] { return passed_beside(claimed_, stream_.id(), request_); }} {}
  Pull prepare(std::size_t bytes_max) override { return body_->prepare(bytes_max); }
  void emit(std::size_t bytes, ByteSink& sink) override { body_->emit(bytes, sink); }
  void set_waker(Waker& waker) override { body_->set_waker(waker); }
  News* news() override { return body_->news(); }

 private:
  const std::unique_ptr<ByteSource> body_;
  StreamBody& stream_;
  const StreamRequest request_;
  const Position claimed_;
  CursorCommits::Bookmark bookmark_;
};

// Null when the stream may start; else why not.
std::optional<Error> refusal_of(const StreamRequest& request, const Catalog& catalog, const Topics& topics) {
  if (topics.version == 0) return Error{ErrorCode::upstream_down, "Kafka has not answered yet."};
  std::int64_t partitions = 0;
  for (const std::string& name : request.topics) {
    const auto topic = topics.by_name.find(name);
    if (!catalog.is_exposed(name) || topic == topics.by_name.end())
      return Error{ErrorCode::not_found, std::string{kNoSuchTopic}};
    if (request.partition && *request.partition >= topic->second.partitions)
      return Error{ErrorCode::not_found, std::string{kNoSuchTopic}};
    partitions += request.partition ? 1 : topic->second.partitions;
  }
  if (partitions > static_cast<std::int64_t>(kIdPartitionsMax)) {
    return Error{ErrorCode::bad_request,
                 "A stream has at most 256 partitions: ask for fewer topics or single partitions."};
  }
  return std::nullopt;
}

// What is refused for it may be newer than the metadata.
bool may_be_new(const StreamRequest& request, const Catalog& catalog, const Error& refusal) {
  return refusal.code == ErrorCode::not_found &&
         std::all_of(request.topics.begin(), request.topics.end(),
                     [&catalog](const std::string& name) { return catalog.is_exposed(name); });
}

// A stream between its request and its reply.
class Opening final : public Watch {
 public:
  Opening(Exchange& exchange, StreamRequest&& request, FeedSet& feeds, CursorCommits& commits,
          const CallerLimits& limits, const StreamsOptions& options)
      : exchange_{exchange},
        request_{std::move(request)},
        feeds_{feeds},
        commits_{commits},
        limits_{limits},
        options_{options},
        is_closed_range_{is_closed_range(request_)},
        question_{request_, feeds.context(), [this](Result<StreamStart> start) { on_start(std::move(start)); }} {}

  // Of what may be newer than the metadata: Kafka is asked for it once.
  void start_after_refresh() {
    refresh_ = feeds_.context().catalog.refresh_at_once(exchange_.loop(), [this](const Catalog::TopicsAnswer& topics) {
      if (feeds_.drain().has_begun()) return exchange_.respond(drain_refusal(request_));
      if (const auto refusal = refusal_of(request_, feeds_.context().catalog, *topics))
        return exchange_.respond(refusal_response(request_, *refusal));
      start(*topics);
    });
  }

  void start(const Topics& topics) {
    if (limits_.slots == nullptr || is_head_alone()) return ask_for_cursor(topics);
    slot_question_ =
        limits_.slots->take(caller(), [this](std::unique_ptr<StreamSlots::Slot> slot) { on_slot(std::move(slot)); });
  }

 private:
  std::string caller() const { return caller_of(exchange_.request()); }

  void on_slot(std::unique_ptr<StreamSlots::Slot> slot) {
    if (!slot) return exchange_.respond(make_slots_refusal(request_, limits_.slots->slots_max()));
    slot_ = std::move(slot);
    const auto topics = feeds_.context().catalog.topics();
    if (has_all(*topics)) ask_for_cursor(*topics);
  }

  // False: answered.
  bool has_all(const Topics& topics) {
    for (const std::string& name : request_.topics) {
      if (topics.by_name.contains(name)) continue;
      exchange_.respond(make_problem(Error{ErrorCode::not_found, std::string{kNoSuchTopic}}));
      return false;
    }
    return true;
  }

  // Where an id says all, the store of cursors is not asked: such streams go on without it.
  void ask_for_cursor(const Topics& topics) {
    const bool is_by_id = std::all_of(request_.topics.begin(), request_.topics.end(),
                                      [this](const std::string& name) { return request_.position.contains(name); });
    if (request_.cursor.empty() || (is_by_id && request_.commit != Commit::sent)) return ask_where(topics);
    cursor_ask_ = commits_.store().read(key(), [this](const CursorAnswer& answer) { on_cursor(answer); });
  }

  CursorKey key() const { return {"", request_.cursor}; }
  bool is_head() const { return exchange_.request().method == "HEAD"; }
  // HEAD that nothing is read for. That of a closed range says what its GET does, which the records decide.
  bool is_head_alone() const { return is_head() && !is_closed_range_; }

  void ask_where(const Topics& topics) {
    if (request_.commit == Commit::sent) {
      claimed_ = request_.position;
      for (const auto& [topic, parts] : request_.from_position) claimed_[topic].insert(parts.begin(), parts.end());
    }
    question_.start(feeds_.get(spec_of(request_), topics));
  }

  void on_cursor(const CursorAnswer& answer) {
    if (!answer) return refuse(answer.error());
    const auto topics = feeds_.context().catalog.topics();
    if (*answer) {
      generation_ = (**answer).generation;
      take_saved(**answer, *topics);
    }
    for (const auto& [name, parts] : request_.from_position) {
      if (!request_.saved.contains(name)) request_.position.emplace(name, parts);
    }
    if (*answer || request_.commit == Commit::manual || is_head()) return ask_where_if_all(*topics);
    // What the stream would save makes the cursor: where there is no room for it, nothing would ever be saved.
    cursor_ask_ = commits_.store().find_room(key(), [this](const CursorAnswer& room) { on_room(room); });
  }

  void on_room(const CursorAnswer& room) {
    if (!room) return refuse(room.error());
    ask_where_if_all(*feeds_.context().catalog.topics());
  }

  void refuse(const CursorError& error) {
    if (error.refusal == CursorRefusal::away && request_.is_soft) {
      return exchange_.respond(make_busy(request_.id, "cursors_down", kRetryAfterRedisS));
    }
    exchange_.respond(make_cursor_problem(error));
  }

  void ask_where_if_all(const Topics& topics) {
    if (has_all(topics)) ask_where(topics);
  }

  void take_saved(const Cursor& cursor, const Topics& topics) {
    for (const std::string& name : request_.topics) {
      const auto covered = cursor.position.find(name);
      const auto topic = topics.by_name.find(name);
      if (request_.position.contains(name) || covered == cursor.position.end()) continue;
      TopicPosition parts = covered->second;
      // What has grown since is read from its beginning; with an id as `from`, what the cursor never covered starts
      // there.
      const auto known = cursor.partitions.find(name);
      const auto from = request_.from_position.find(name);
      const std::int32_t count = topic == topics.by_name.end() ? 0 : topic->second.partitions;
      if (from != request_.from_position.end()) parts.insert(from->second.begin(), from->second.end());
      for (std::int32_t p = 0; p < count; ++p) {
        const bool has_grown = known != cursor.partitions.end() && p >= known->second;
        if (has_grown || from != request_.from_position.end()) parts.emplace(p, kNothingPassed);
      }
      if (request_.partition) {
        std::erase_if(parts, [this](const auto& part) { return part.first != *request_.partition; });
      }
      if (!parts.empty()) request_.saved.emplace(name, std::move(parts));
    }
    request_.saved = with_successors(std::move(request_.saved));
  }

  // With commit=auto a stream's start is saved like an id that comes back: from there on nothing is missed, even if the
  // client never comes back with one. With commit=sent the stream saves where it stands, but for what is claimed.
  void commit_start(const Position& passed) {
    if (request_.cursor.empty() || is_head()) return;
    if (request_.commit == Commit::automatic) commits_.prove(key(), passed, !request_.partition);
    if (request_.commit == Commit::sent && !claimed_.empty()) commits_.prove(key(), claimed_, /*is_whole=*/false);
  }

  void on_start(Result<StreamStart> start) {
    if (feeds_.drain().has_begun()) return exchange_.respond(drain_refusal(request_));
    if (!start) return exchange_.respond(refusal_response(request_, start.error()));
    std::string id = format_id(start->passed, request_.id_form());
    if (id.size() > kIdBytesMax) {
      return exchange_.respond(
          make_problem(Error{ErrorCode::bad_request,
                             "This stream needs an id longer than 6 KiB: ask for fewer topics or single partitions."}));
    }
    // One that is longer could not be read when the client comes back with it.
    if (partitions_named(*start) > kIdPartitionsMax) {
      return exchange_.respond(
          make_problem(Error{ErrorCode::bad_request,
                             "This stream needs an id of more than 256 partitions: name only those that there are."}));
    }
    // The feed may have ended while Kafka was asked.
    const auto topics = feeds_.context().catalog.topics();
    if (!has_all(*topics)) return;
    Feed& feed = feeds_.get(spec_of(request_), *topics);
    commit_start(start->passed);
    if (request_.representation == Representation::json && !is_head_alone())
      return start_poll(feed, *start, std::move(id));
    Response response;
    response.headers = stream_headers(request_.representation, id, compression());
    if (is_head_alone()) {
      response.stream = std::make_unique<NoBody>();
      return exchange_.respond(std::move(response));
    }
    auto body = std::make_unique<StreamBody>(feed, start->passed, body_options(*start));
    StreamBody& stream = *body;
    stream.hold(std::move(slot_));
    response.note = [&stream, as = request_.representation] {
      return AccessNote{std::string{name_of(as)}, stream.records(), std::string{stream.why_ended()}};
    };
    if (const std::optional<Coding> coding = compression().coding) {
      response.stream = std::make_unique<CodedBody>(std::move(body), *coding);
    } else {
      response.stream = std::move(body);
    }
    if (request_.commit == Commit::sent) {
      response.stream = std::make_unique<BookmarkedBody>(std::move(response.stream), stream, request_, claimed_,
                                                         commits_, key(), generation_);
    }
    exchange_.respond(std::move(response));
  }

  Compression compression() const {
    const bool is_poll = request_.representation == Representation::json;
    if (is_poll || options_.codings == CodingSet{}) return {};
    return {true, choose_coding(request_.codings, options_.codings)};
  }

  SubscriberOptions subscriber_options(const StreamStart& start) const {
    SubscriberOptions options;
    options.until = start.until;
    options.is_until_end = std::holds_alternative<UntilNow>(request_.until);
    options.on_reset = request_.on_reset;
    return options;
  }

  StreamBodyOptions body_options(const StreamStart& start) const {
    StreamBodyOptions options;
    options.heartbeat_ms = options_.heartbeat_ms;
    options.retry_ms = options_.retry_ms;
    options.age_ms = options_.age_ms;
    options.paces = limits_.paces;
    if (limits_.paces != nullptr) options.caller = caller();
    if (request_.limit) options.limit = static_cast<std::uint64_t>(*request_.limit);
    options.subscriber = subscriber_options(start);
    return options;
  }

  void start_poll(Feed& feed, const StreamStart& start, std::string id) {
    PollOptions options;
    options.limit = static_cast<std::uint64_t>(request_.limit.value_or(kPollRecordsDefault));
    options.bytes_max = static_cast<std::size_t>(request_.bytes_max);
    options.wait_ms = request_.wait_s * 1000;
    options.is_closed_range = is_closed_range_;
    options.budget = &exchange_.bodies();
    options.paces = limits_.paces;
    if (limits_.paces != nullptr) options.caller = caller();
    options.subscriber = subscriber_options(start);
    start_id_ = std::move(id);
    if (is_closed_range_) {
      uncompacted_ask_ = feeds_.context().catalog.are_uncompacted(request_.topics, exchange_.loop(), [this](bool yes) {
        is_uncompacted_ = yes;
        if (final_) respond(std::move(*final_));
      });
    }
    poll_ = std::make_unique<Poll>(feed, start.passed, std::move(options),
                                   [this](PollAnswer answer) { on_poll(std::move(answer)); });
  }

  void on_poll(PollAnswer&& answer) {
    if (answer.is_refused()) {
      return exchange_.respond(make_problem(kNoRoom.status, kNoRoom.code, kNoRoom.detail, kRetryAfterNoRoomS));
    }
    if (request_.commit == Commit::sent) {
      const Position passed = passed_beside(claimed_, answer.next, request_);
      if (!passed.empty()) commits_.note(key(), generation_, passed);
    }
    if (uncompacted_ask_.is_waiting() && is_final(answer)) {
      final_ = std::move(answer);
    } else {
      respond(std::move(answer));
    }
  }

  void respond(PollAnswer&& answer) {
    Response response;
    response.headers = stream_headers(request_.representation, start_id_);
    std::string link = "<?";
    link.append(next_query(exchange_.request(), answer.next)).append(">; rel=\"next\"");
    if (link.size() <= kHeaderIdBytesMax) response.headers.push_back({"Link", std::move(link)});
    if (!request_.preference_applied.empty())
      response.headers.push_back({"Preference-Applied", request_.preference_applied});
    const bool never_changes = is_closed_range_ && is_uncompacted_ && is_final(answer);
    response.body = std::move(answer.body);
    response.held = std::move(answer.held);
    if (never_changes) let_caches_keep(response, request_, exchange_.request());
    const std::uint64_t records = response.status == 304 ? 0 : answer.records;
    response.note = [records, why = std::move(answer.why_ended)] { return AccessNote{"json", records, why}; };
    exchange_.respond(std::move(response));
  }

  Exchange& exchange_;
  StreamRequest request_;
  FeedSet& feeds_;
  CursorCommits& commits_;
  const CallerLimits& limits_;
  const StreamsOptions& options_;
  Ask<Catalog::TopicsAnswer> refresh_;
  std::unique_ptr<Watch> slot_question_;
  std::unique_ptr<Watch> slot_;  // of a long poll as long as it waits; a stream takes it along
  Ask<CursorAnswer> cursor_ask_;
  std::optional<std::int64_t> generation_;  // of the cursor, if there is one
  std::string start_id_;
  Position claimed_;  // with commit=sent: what the client says, and nobody has held against Kafka's log
  std::unique_ptr<Poll> poll_;
  const bool is_closed_range_;
  Ask<bool> uncompacted_ask_;
  bool is_uncompacted_ = false;
  std::optional<PollAnswer> final_;  // that waits for it
  StreamStartQuestion question_;
};

}  // namespace

void StreamsHandler::handle(Exchange& exchange) {
  FeedSet& feeds = *feeds_[exchange.loop().index()];
  CursorCommits& commits = *commits_[exchange.loop().index()];
  const std::int64_t now_ms = exchange.loop().timers().clock().wall_ms();
  Result<StreamRequest> request = parse_stream_request(exchange.request(), now_ms);
  if (!request) return exchange.respond(make_problem(request.error()));
  if (request->is_over) {
    if (!request->cursor.empty() && request->commit == Commit::automatic && exchange.request().method == "GET") {
      commits.prove({"", request->cursor}, request->position, !request->partition);
    }
    Response response;
    response.status = 204;
    return exchange.respond(std::move(response));
  }
  if (feeds.drain().has_begun()) return exchange.respond(drain_refusal(*request));
  const Catalog& catalog = feeds.context().catalog;
  const auto topics = catalog.topics();
  const auto refusal = refusal_of(*request, catalog, *topics);
  const bool is_refreshed = refusal && may_be_new(*request, catalog, *refusal);
  if (refusal && !is_refreshed) return exchange.respond(refusal_response(*request, *refusal));
  auto opening = std::make_unique<Opening>(exchange, std::move(*request), feeds, commits,
                                           limits_[exchange.loop().index()], options_);
  Opening& started = *opening;
  exchange.keep(std::move(opening));
  if (is_refreshed) return started.start_after_refresh();
  started.start(*topics);
}

}  // namespace tailgate
