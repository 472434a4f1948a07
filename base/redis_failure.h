// What an error reply of Redis means for the one who asked.
#pragma once

#include <string_view>

#include "base/redis_counters.h"

namespace tailgate {

// By the first word of the error, or of the one that a script met; what is not known is the script's.
RedisFailure failure_of(std::string_view error);

// This connection leads to a server that cannot serve now, or not this user: another connection may.
bool is_for_another_connection(RedisFailure failure);

std::string_view name_of(RedisFailure failure);

}  // namespace tailgate
