// Ids come from outside: whatever parses must be within its bounds and read the same when it is written again.
#include <cstdlib>
#include <string>
#include <vector>

#include "cursors/id.h"
#include "cursors/id_text.h"

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void check(std::string_view text, const std::vector<std::string>& topics, std::optional<std::int32_t> partition) {
  using namespace tailgate;
  const auto id = parse_id(text, {topics, partition});
  if (!id) {
    require(!id.error().detail.empty() && id.error().detail.size() < 200);
    return;
  }
  std::size_t partitions = 0;
  for (const auto& [topic, parts] : id->position) partitions += parts.size();
  require(partitions > 0 && partitions <= kIdPartitionsMax);
  std::string again = format_id(id->position, IdForm::topics);
  require(IdText{IdForm::topics, id->position}.text() == again);
  require(again.size() <= kIdBytesMax || text.find('=') == text.npos);
  if (again.size() > kIdBytesMax) return;
  if (id->ended) again += '!';
  const auto reparsed = parse_id(again, {topics, partition});
  require(reparsed && reparsed->position == id->position && reparsed->ended == id->ended);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(text, {"orders"}, std::nullopt);
  check(text, {"orders"}, 3);
  check(text, {"payments", "orders"}, std::nullopt);
  return 0;
}
