// The grammar of ids, read by the tests' own parser: what a server's parser gets wrong must not hide itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace tailgate::ledger {

// Calls `on_part` (topic "" where the form does not name it; offset -1 for "-") for each partition. A bare offset is of
// `partition_of_bare`. False: not an id.
bool read_id(std::string_view id, std::int32_t partition_of_bare,
             const std::function<void(std::string_view topic, std::int32_t partition, std::int64_t offset)>& on_part);

}  // namespace tailgate::ledger
