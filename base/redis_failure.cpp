#include "base/redis_failure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tailgate {
namespace {

// Redis before 7 says where a script has met an error, and what it was behind that: "ERR Error running script (call to
// f_…): @user_script:9: @user_script: 9: -READONLY You can't write against a read only replica."
std::string_view met_by_script(std::string_view error) {
  constexpr std::string_view kPlace = "@user_script:";
  constexpr std::string_view kLineEnd = ": ";
  const std::size_t place = error.starts_with("ERR Error running script") ? error.rfind(kPlace) : error.npos;
  if (place == error.npos) return error;
  const std::size_t line_end = error.find(kLineEnd, place + kPlace.size());
  if (line_end == error.npos) return error;
  const std::string_view met = error.substr(line_end + kLineEnd.size());
  return met.starts_with('-') ? met.substr(1) : met;
}

}  // namespace

RedisFailure failure_of(std::string_view error) {
  using enum RedisFailure;
  constexpr std::array<std::pair<std::string_view, RedisFailure>, 16> kWords{{{"NOAUTH", auth},
                                                                              {"WRONGPASS", auth},
                                                                              {"NOPERM", auth},
                                                                              {"LOADING", loading},
                                                                              {"MASTERDOWN", loading},
                                                                              {"READONLY", readonly},
                                                                              {"UNBLOCKED", readonly},
                                                                              {"BUSY", busy},
                                                                              {"OOM", out_of_memory},
                                                                              {"MISCONF", misconf},
                                                                              {"NOREPLICAS", no_replicas},
                                                                              {"CLUSTERDOWN", cluster},
                                                                              {"TRYAGAIN", cluster},
                                                                              {"MOVED", cluster},
                                                                              {"ASK", cluster},
                                                                              {"WRONGTYPE", wrong_type}}};
  const std::string_view met = met_by_script(error);
  const std::string_view word = met.substr(0, met.find(' '));
  const auto found =
      std::find_if(kWords.begin(), kWords.end(), [word](const auto& known) { return known.first == word; });
  return found == kWords.end() ? script : found->second;
}

bool is_for_another_connection(RedisFailure failure) {
  using enum RedisFailure;
  return failure == readonly || failure == loading || failure == auth;
}

std::string_view name_of(RedisFailure failure) { return kRedisFailureNames[static_cast<std::size_t>(failure)]; }

}  // namespace tailgate
