#include "server/handlers/cursors.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/percent.h"
#include "cursors/id.h"
#include "server/handlers/cursor_body.h"
#include "server/handlers/problem.h"
#include "server/handlers/query.h"

namespace tailgate {
namespace {

constexpr std::string_view kListPath = "/cursors";
constexpr std::array<std::string_view, 1> kPutParameters{"reset"};

Response make_json(const std::string& name, const Cursor& cursor) {
  std::string json = "{\"name\":";
  append_json_string(json, name);
  json += ",\"position\":{";
  bool is_first = true;
  for (const auto& [topic, parts] : cursor.position) {
    if (!std::exchange(is_first, false)) json += ',';
    append_json_string(json, topic);
    json += ':';
    append_json_string(json, format_id({{topic, parts}}, IdForm::parts));
  }
  json.append("},\"updated\":").append(std::to_string(cursor.updated_ms));
  json.append(",\"generation\":").append(std::to_string(cursor.generation)).append("}\n");
  Response response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(json);
  return response;
}

std::string name_of(const std::string& topic, std::int32_t partition) {
  return "partition " + std::to_string(partition) + " of " + topic;
}

Response unprocessable(std::string_view detail) { return make_problem(422, "unprocessable", detail); }

// One request on one cursor, between its questions and its answer.
class CursorWork final : public Watch {
 public:
  CursorWork(Exchange& exchange, CursorKey key, CursorStore& store, Catalog& catalog)
      : exchange_{exchange}, key_{std::move(key)}, store_{store}, catalog_{catalog} {}

  void read() {
    ask_ = store_.read(key_, [this](const CursorAnswer& answer) { on_answer(answer); });
  }
  void erase() {
    ask_ = store_.erase(key_, [this](const CursorAnswer& answer) {
      if (!answer) return exchange_.respond(make_cursor_problem(answer.error()));
      Response response;
      response.status = 204;
      exchange_.respond(std::move(response));
    });
  }
  // Beyond the log's end nobody has read anything: Kafka is asked first.
  void put(CursorBody body, bool is_reset) {
    topics_ = catalog_.topics();
    if (topics_->version == 0) {
      return exchange_.respond(make_problem({ErrorCode::upstream_down, "Kafka has not answered yet"}));
    }
    move_.position = std::move(body.position);
    move_.generation = body.generation;
    move_.is_reset = is_reset;
    std::vector<TopicPartition> asked;
    for (const auto& [name, parts] : move_.position) {
      const auto topic = topics_->by_name.find(name);
      if (topic == topics_->by_name.end()) {
        return exchange_.respond(unprocessable("position names a topic that does not exist, or that may not be read"));
      }
      move_.partitions[name] = topic->second.partitions;
      for (const auto& [partition, passed] : parts) {
        if (partition >= topic->second.partitions) {
          return exchange_.respond(
              unprocessable("position names " + name_of(name, partition) + ", which does not exist"));
        }
        asked.push_back({topic->second.kafka_name, partition});
      }
    }
    ends_ask_ =
        catalog_.ends(std::move(asked), exchange_.loop(), [this](const Catalog::EndsAnswer& ends) { on_ends(ends); });
  }

 private:
  void on_ends(const Catalog::EndsAnswer& ends) {
    if (!ends) return exchange_.respond(make_problem(ends.error()));
    for (const auto& [name, parts] : move_.position) {
      const std::string& kafka_name = topics_->by_name.find(name)->second.kafka_name;
      for (const auto& [partition, passed] : parts) {
        const auto end = ends->find({kafka_name, partition});
        if (end == ends->end()) {
          return exchange_.respond(unprocessable("the end of " + name_of(name, partition) + " is not known"));
        }
        if (passed >= end->second.end) {
          return exchange_.respond(unprocessable(
              "position is beyond the end of " + name_of(name, partition) + ": it has passed offset " +
              std::to_string(passed) + ", and the next one to be written is " + std::to_string(end->second.end)));
        }
      }
    }
    ask_ = store_.move(key_, move_, [this](const CursorAnswer& answer) { on_answer(answer); });
  }

  void on_answer(const CursorAnswer& answer) {
    if (!answer) return exchange_.respond(make_cursor_problem(answer.error()));
    if (!*answer) return exchange_.respond(make_problem(404, "not_found", "there is no cursor of this name"));
    exchange_.respond(make_json(key_.name, **answer));
  }

  Exchange& exchange_;
  const CursorKey key_;
  CursorStore& store_;
  Catalog& catalog_;
  std::shared_ptr<const Topics> topics_;
  CursorMove move_;
  Ask<Catalog::EndsAnswer> ends_ask_;
  Ask<CursorAnswer> ask_;
};

// The body and the query of a PUT; null: `exchange` has been answered.
std::optional<CursorBody> read_put(Exchange& exchange) {
  const Request& request = exchange.request();
  const std::string* encoding = request.header("content-encoding");
  if (encoding && *encoding != "identity") {
    exchange.respond(
        make_problem(415, "unsupported_encoding", "bodies are taken as they are, without Content-Encoding"));
    return std::nullopt;
  }
  auto body = parse_cursor_body(request.body);
  if (!body) {
    exchange.respond(make_problem(body.error()));
    return std::nullopt;
  }
  return std::move(*body);
}

}  // namespace

Response make_cursor_problem(const CursorError& error) {
  switch (error.refusal) {
    case CursorRefusal::fenced:
      return make_problem(409, "stale_generation", "the cursor is of another generation by now: read it again");
    case CursorRefusal::quota:
      return make_problem(403, "too_many_cursors", "there are as many cursors as there may be: delete some");
    case CursorRefusal::too_wide:
      return unprocessable("the cursor would cover more than 256 partitions");
    case CursorRefusal::damaged:
      return make_problem(500, "cursor_damaged",
                          "what is kept under this name is no cursor: PUT with reset=true or DELETE makes room");
    case CursorRefusal::away:
      break;
  }
  return make_problem(503, "cursors_down", "cursors are not reachable; try again later", kRetryAfterRedisS);
}

std::string_view CursorsHandler::methods(std::string_view path) const {
  return path == kListPath ? PathHandler::methods(path) : "GET, HEAD, PUT, DELETE, OPTIONS";
}

void CursorsHandler::handle(Exchange& exchange) {
  const Request& request = exchange.request();
  const bool is_put = request.method == "PUT";
  KnownParameters known{.names = {}};
  if (is_put) known.names = kPutParameters;
  const auto query = parse_query(request.query, known);
  if (!query) return exchange.respond(make_problem(query.error()));
  // The name is what keeps a cursor from others while there is no identity.
  if (request.path == kListPath) {
    return exchange.respond(make_problem(403, "not_allowed", "without identity there is no list of cursors"));
  }
  std::optional<std::string> name =
      percent_decode(std::string_view{request.path}.substr(kListPath.size() + 1), Plus::as_it_is);
  if (!name || !is_cursor_name(*name)) {
    return exchange.respond(make_problem(
        {ErrorCode::bad_request, "the name of a cursor is 1 to 128 letters, digits, dots, dashes and underscores"}));
  }
  const bool is_reset = !query->empty() && query->front().value == "true";
  if (!query->empty() && !is_reset && query->front().value != "false") {
    return exchange.respond(make_problem({ErrorCode::bad_request, "reset must be true or false"}));
  }
  std::optional<CursorBody> body;
  if (is_put && !(body = read_put(exchange))) return;
  CursorCommits& commits = *commits_[exchange.loop().index()];
  auto work = std::make_unique<CursorWork>(exchange, CursorKey{"", std::move(*name)}, commits.store(), catalog_);
  CursorWork& started = *work;
  exchange.keep(std::move(work));
  if (is_put) {
    started.put(std::move(*body), is_reset);
  } else if (request.method == "DELETE") {
    started.erase();
  } else {
    started.read();
  }
}

}  // namespace tailgate
