// Named cursors: positions that are kept under a name, move forward only, and go back only by a reset.
//
// A cursor belongs to a principal. It has a generation, which a reset raises: who moves it may say for which
// generation, and is refused (fenced) once that is over. One that nobody reads or moves for its time to live is
// forgotten. One that is erased and made again begins above the generation that it had, for as long as its principal
// makes or erases one in each time to live.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/loop.h"
#include "cursors/position.h"

namespace tailgate {

inline constexpr std::size_t kCursorNameBytesMax = 128;
inline constexpr std::size_t kCursorPartitionsMax = 256;

// [A-Za-z0-9._-], 1 to kCursorNameBytesMax of them.
bool is_cursor_name(std::string_view name);

struct CursorKey {
  std::string principal;  // any bytes; "" while there is no identity: one name space for all
  std::string name;
  auto operator<=>(const CursorKey&) const = default;
};

struct Cursor {
  Position position;  // what it covers
  // Of each topic: how many partitions there were when it was covered first. One above that did not exist then, and is
  // read from its beginning; another one that is not covered never was.
  std::map<std::string, std::int32_t> partitions;
  std::int64_t updated_ms = 0;  // the store's clock
  std::int64_t generation = 1;
};

struct CursorMove {
  Position position;                               // moves what it names; the rest stays
  std::map<std::string, std::int32_t> partitions;  // of its topics: how many there are now
  std::optional<std::int64_t> generation;          // that it is meant for
  bool is_reset = false;                           // may move back, and starts the next generation
};

enum class CursorRefusal : std::uint8_t {
  away,      // Redis did not answer or confirm; a move may have been done
  fenced,    // meant for another generation, or for one of a cursor that is not there
  quota,     // the principal has as many cursors as it may have
  too_wide,  // it would cover more than kCursorPartitionsMax partitions
  damaged,   // what is kept under the name is no cursor; a reset or erase makes room
};

struct CursorError {
  CursorRefusal refusal = CursorRefusal::away;
  std::string detail;  // for the log
};
[[noreturn]] inline void throw_exception_from_error(const CursorError&, const boost::source_location&) { std::abort(); }

// What stands; nullopt: there is no such cursor.
using CursorAnswer = boost::system::result<std::optional<Cursor>, CursorError>;

struct CursorOptions {
  std::int64_t ttl_ms = std::int64_t{30} * 86'400'000;
  std::size_t per_principal_max = 1'000;
};

// Threads: of the loop that it was made for. Answers come on it, never within the call; who destroys the Ask is not
// answered, but what was asked is done.
class CursorStore {
 public:
  using Then = std::function<void(CursorAnswer)>;
  virtual ~CursorStore() = default;
  virtual Ask<CursorAnswer> read(const CursorKey& key, Then then) = 0;
  // Forward in each partition (a lower offset leaves what stands, and is no error), or wherever it says with a reset.
  // Makes the cursor where there is none. The answer is what stands then, on as many replicas as are asked for.
  virtual Ask<CursorAnswer> move(const CursorKey& key, CursorMove move, Then then) = 0;
  // The answer is nullopt, whether there was one or not.
  virtual Ask<CursorAnswer> erase(const CursorKey& key, Then then) = 0;
  // Whether a cursor that is not there could be made now: nullopt, or quota. Keeps no place for it.
  virtual Ask<CursorAnswer> find_room(const CursorKey& key, Then then) = 0;
};

}  // namespace tailgate
