#include "server/handlers/topics.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/percent.h"
#include "cursors/id.h"
#include "server/handlers/problem.h"
#include "server/handlers/query.h"

namespace tailgate {
namespace {

constexpr std::string_view kListPath = "/topics";

// Questions under way, cancelled with the exchange that keeps them.
struct KeptAsks final : Watch {
  Ask<Catalog::TopicsAnswer> refresh;
  Ask<Catalog::EndsAnswer> ends;
};

Error no_such_topic() { return {ErrorCode::not_found, std::string{kNoSuchTopic}}; }

Response make_json(std::string body) {
  Response response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(body);
  return response;
}

// An id that starts at the readable end of each partition; empty for more partitions than an id can name.
std::string latest_id(const Topic& topic, const std::map<TopicPartition, PartitionEnds>& ends) {
  if (ends.size() > kIdPartitionsMax) return {};
  Position position;
  for (const auto& [of, end] : ends) position[topic.name][of.partition] = end.readable - 1;
  return format_id(position, IdForm::parts);
}

std::string describe_json(const Topic& topic, const std::map<TopicPartition, PartitionEnds>& ends) {
  std::string json = "{\"name\":";
  append_json_string(json, topic.name);
  json += ",\"partitions\":[";
  for (const auto& [of, end] : ends) {
    if (json.back() == '}') json += ',';
    json.append("{\"partition\":").append(std::to_string(of.partition));
    json.append(",\"begin\":").append(std::to_string(end.begin));
    json.append(",\"end\":").append(std::to_string(end.end));
    json.append(",\"readable\":").append(std::to_string(end.readable)).append(1, '}');
  }
  json += ']';
  if (const std::string latest = latest_id(topic, ends); !latest.empty()) {
    json += ",\"latest\":";
    append_json_string(json, latest);
  }
  json += "}\n";
  return json;
}

Error kafka_down() { return {ErrorCode::upstream_down, "Kafka's metadata has not been read yet"}; }

}  // namespace

void TopicsHandler::handle(Exchange& exchange) {
  const Request& request = exchange.request();
  if (const auto query = parse_query(request.query, {}); !query) return exchange.respond(make_problem(query.error()));
  const std::shared_ptr<const Topics> topics = catalog_.topics();
  if (topics->version == 0) return exchange.respond(make_problem(kafka_down()));
  if (request.path == kListPath) return list(exchange, *topics);

  const std::string_view encoded = std::string_view{request.path}.substr(kListPath.size() + 1);
  const std::optional<std::string> name = percent_decode(encoded, Plus::as_it_is);
  if (!name) {
    return exchange.respond(
        make_problem({ErrorCode::bad_request, "the path has a '%' without two hexadecimal digits behind it"}));
  }
  const auto topic = topics->by_name.find(*name);
  if (topic == topics->by_name.end() && !catalog_.is_exposed(*name)) {
    return exchange.respond(make_problem(no_such_topic()));
  }
  auto kept = std::make_unique<KeptAsks>();
  KeptAsks& asks = *kept;
  exchange.keep(std::move(kept));
  if (topic != topics->by_name.end()) {
    asks.ends = describe(exchange, topic->second);
    return;
  }
  // It may be newer than the metadata.
  asks.refresh = catalog_.refresh_at_once(exchange.loop(),
                                          [this, &exchange, &asks, name = *name](const Catalog::TopicsAnswer& fresh) {
                                            const auto found = fresh->by_name.find(name);
                                            if (found == fresh->by_name.end())
                                              return exchange.respond(make_problem(no_such_topic()));
                                            asks.ends = describe(exchange, found->second);
                                          });
}

void TopicsHandler::list(Exchange& exchange, const Topics& topics) const {
  std::string json = "{\"topics\":[";
  for (const auto& [name, topic] : topics.by_name) {
    if (json.back() == '}') json += ',';
    json += "{\"name\":";
    append_json_string(json, name);
    json.append(",\"partitions\":").append(std::to_string(topic.partitions)).append(1, '}');
  }
  json += "]}\n";
  exchange.respond(make_json(std::move(json)));
}

Ask<Catalog::EndsAnswer> TopicsHandler::describe(Exchange& exchange, const Topic& topic) const {
  std::vector<TopicPartition> partitions;
  for (std::int32_t p = 0; p < topic.partitions; ++p) partitions.push_back({topic.kafka_name, p});
  return catalog_.ends(std::move(partitions), exchange.loop(), [&exchange, topic](Catalog::EndsAnswer ends) {
    exchange.respond(ends ? make_json(describe_json(topic, *ends)) : make_problem(ends.error()));
  });
}

}  // namespace tailgate
