#include "base/redis_failure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tailgate {

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
  const std::string_view word = error.substr(0, error.find(' '));
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
