#include "server/handlers/streams_handler.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cursors/id.h"
#include "server/handlers/problem.h"
#include "server/handlers/soft_refusal.h"
#include "server/handlers/stream_headers.h"
#include "server/handlers/stream_request.h"
#include "server/handlers/stream_start.h"
#include "streams/encoder.h"
#include "streams/poll.h"
#include "streams/stream_body.h"

namespace tailgate {

namespace {

EventFormat format_of(const StreamRequest& request) {
  if (request.representation == Representation::json) return EventFormat::json;
  if (request.representation == Representation::ndjson) return EventFormat::ndjson;
  return request.format == Format::envelope ? EventFormat::sse_envelope : EventFormat::sse_value;
}

FeedSpec spec_of(const StreamRequest& request) {
  return FeedSpec{request.topics, request.partition, request.keys, format_of(request)};
}

Response refusal_response(const StreamRequest& request, const Error& error) {
  if (error.code == ErrorCode::upstream_down && request.is_soft) return make_busy(request.id, "upstream_down", kRetryAfterDownS);
  return make_problem(error);
}

// The body that HEAD leaves out: its length is not known.
class NoBody final : public ByteSource {
 public:
  Pull prepare(std::size_t) override { return Pull{Pull::State::end, 0}; }
  void emit(std::size_t, ByteSink&) override {}
  void set_waker(Waker&) override {}
};

// A stream between its request and its reply.
class Opening final : public Watch {
 public:
  Opening(Exchange& exchange, StreamRequest request, FeedSet& feeds, const StreamsOptions& options)
      : exchange_{exchange},
        request_{std::move(request)},
        feeds_{feeds},
        options_{options},
        question_{request_, feeds.context(), [this](Result<StreamStart> start) { on_start(std::move(start)); }} {}

  void start(const Topics& topics) { question_.start(feeds_.get(spec_of(request_), topics)); }

 private:
  void on_start(Result<StreamStart> start) {
    if (!start) return exchange_.respond(refusal_response(request_, start.error()));
    const std::string id = format_id(start->passed, request_.id_form());
    if (id.size() > kIdBytesMax) {
      return exchange_.respond(
          make_problem(Error{ErrorCode::bad_request,
                             "This stream needs an id longer than 6 KiB: ask for fewer topics or single partitions."}));
    }
    // The feed may have ended while Kafka was asked.
    const auto topics = feeds_.context().catalog.topics();
    for (const std::string& name : request_.topics) {
      if (!topics->by_name.contains(name))
        return exchange_.respond(make_problem(Error{ErrorCode::not_found, std::string{kNoSuchTopic}}));
    }
    Feed& feed = feeds_.get(spec_of(request_), *topics);
    Response response;
    response.headers = stream_headers(request_.representation, id);
    if (exchange_.request().method == "HEAD") {
      response.stream = std::make_unique<NoBody>();
      return exchange_.respond(std::move(response));
    }
    if (request_.representation == Representation::json) return start_poll(feed, *start);
    auto body = std::make_unique<StreamBody>(feed, start->passed, body_options(*start));
    response.note = [stream = body.get(), name = name_of(request_.representation)] {
      return AccessNote{std::string{name}, stream->records(), stream->why_ended()};
    };
    response.stream = std::move(body);
    exchange_.respond(std::move(response));
  }

  StreamBodyOptions body_options(const StreamStart& start) const {
    StreamBodyOptions options;
    options.heartbeat_ms = options_.heartbeat_ms;
    options.retry_ms = options_.retry_ms;
    if (request_.limit) options.limit = static_cast<std::uint64_t>(*request_.limit);
    options.subscriber = SubscriberOptions{start.until, false, request_.on_reset};
    return options;
  }

  void start_poll(Feed& feed, const StreamStart& start) {
    PollOptions options;
    options.limit = static_cast<std::uint64_t>(request_.limit.value_or(kPollRecordsDefault));
    options.bytes_max = static_cast<std::size_t>(request_.bytes_max);
    options.wait_ms = request_.wait_s * 1000;
    options.subscriber = SubscriberOptions{start.until, true, request_.on_reset};
    start_id_ = format_id(start.passed, request_.id_form());
    poll_ =
        std::make_unique<Poll>(feed, start.passed, options, [this](PollAnswer answer) { on_poll(std::move(answer)); });
  }

  void on_poll(PollAnswer answer) {
    Response response;
    response.headers = stream_headers(request_.representation, start_id_);
    std::string link = "<?" + next_query(exchange_.request(), answer.next) + ">; rel=\"next\"";
    if (link.size() <= kHeaderIdBytesMax) response.headers.push_back({"Link", std::move(link)});
    if (!request_.preference_applied.empty())
      response.headers.push_back({"Preference-Applied", request_.preference_applied});
    response.body = std::move(answer.body);
    response.note = [records = answer.records, why = std::move(answer.why_ended)] {
      return AccessNote{"json", records, why};
    };
    exchange_.respond(std::move(response));
  }

  Exchange& exchange_;
  StreamRequest request_;
  FeedSet& feeds_;
  const StreamsOptions& options_;
  std::string start_id_;
  std::unique_ptr<Poll> poll_;
  StreamStartQuestion question_;
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

}  // namespace

void StreamsHandler::handle(Exchange& exchange) {
  FeedSet& feeds = *feeds_[exchange.loop().index()];
  const std::int64_t now_ms = exchange.loop().timers().clock().wall_ms();
  Result<StreamRequest> request = parse_stream_request(exchange.request(), now_ms);
  if (!request) return exchange.respond(make_problem(request.error()));
  if (request->is_over) {
    Response response;
    response.status = 204;
    return exchange.respond(std::move(response));
  }
  const auto topics = feeds.context().catalog.topics();
  if (const auto refusal = refusal_of(*request, feeds.context().catalog, *topics)) {
    return exchange.respond(refusal_response(*request, *refusal));
  }
  auto opening = std::make_unique<Opening>(exchange, std::move(*request), feeds, options_);
  Opening& started = *opening;
  exchange.keep(std::move(opening));
  started.start(*topics);
}

}  // namespace tailgate
