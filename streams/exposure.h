// Which topics are exposed, and under which public names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailgate {

// A topic's name as Kafka allows it: 1 to 249 of [A-Za-z0-9._-], neither `.` nor `..`.
bool is_topic_name(std::string_view name);

// Made of the setting `topics`: names, patterns with `*`, and `public=kafka.name`. Kafka's own topics (`__…`) are never
// exposed. A renamed topic is reached by its public name alone, and shadows a topic that Kafka knows by that name.
//
// Immutable.
class Exposure {
 public:
  // bad_config: names the entry that is wrong.
  static Result<Exposure> parse(const std::vector<std::string>& entries);

  // True if a topic with this public name would be exposed if it existed.
  bool covers(std::string_view public_name) const;
  // nullopt: not exposed.
  std::optional<std::string> public_name_of(std::string_view kafka_name) const;
  // Kafka's names of all that can be exposed; nullopt: patterns make it impossible to tell.
  std::optional<std::vector<std::string>> kafka_names() const;

 private:
  std::vector<std::string> names_;
  std::vector<std::string> patterns_;                          // with at least one `*`
  std::map<std::string, std::string, std::less<>> by_public_;  // renamed: public name -> Kafka's
  std::map<std::string, std::string, std::less<>> by_kafka_;   // and back
};

}  // namespace tailgate
