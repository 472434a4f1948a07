// What every record of a benchmark carries, so that whoever receives it can tell what was lost and how long it took:
//
//   {"p":PARTITION,"s":SEQUENCE,"t":NANOSECONDS,"x":"filler"}
//
// SEQUENCE counts from 0 in each partition; NANOSECONDS is CLOCK_REALTIME when the record was made.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tailgate::bench {

struct Stamp {
  std::uint32_t partition = 0;
  std::uint64_t sequence = 0;
  std::int64_t nanoseconds = 0;
};

std::int64_t realtime_ns();

// Makes values of one size.
class StampWriter {
 public:
  enum class Filler : std::uint8_t {
    letters,  // compresses about as JSON does where a value is compressed alone; comes again and again
    orders,   // fields that all values have with contents of their own: what a feed of events is like
  };
  explicit StampWriter(std::size_t bytes, Filler filler = Filler::letters);
  // Valid until the next call. At least kStampBytesMax long, whatever size was asked for.
  std::string_view write(const Stamp& stamp);

 private:
  std::string filler_;
  std::string value_;
  std::size_t bytes_;
  std::size_t step_ = 97;
  std::size_t turns_ = 4096;
  std::size_t turn_ = 0;
};

inline constexpr std::size_t kStampBytesMax = 80;

enum class StampParse : std::uint8_t { found, none, partial };
// `text` begins with '{'. On `found` the stamp is filled and `used` is the length up to its last comma; `partial`: text
// ends within what may be a stamp.
StampParse parse_stamp(std::string_view text, Stamp& stamp, std::size_t& used);

// Finds the stamps in a stream of bytes that comes in pieces cut anywhere, whatever is around them (SSE, NDJSON, JSON).
class StampScanner {
 public:
  template <class OnStamp>
  void feed(std::string_view bytes, OnStamp&& on_stamp) {
    Stamp stamp;
    std::size_t used = 0;
    if (!carry_.empty()) {
      const auto before = carry_.size();
      carry_.append(bytes.substr(0, kStampBytesMax));
      const auto result = parse_stamp(carry_, stamp, used);
      if (result == StampParse::partial) return;
      carry_.clear();
      if (result == StampParse::found) {
        on_stamp(stamp);
        bytes.remove_prefix(used - before);
      }  // else: a stamp holds no second '{', so what was carried has none
    }
    while (!bytes.empty()) {
      const auto* brace = static_cast<const char*>(std::memchr(bytes.data(), '{', bytes.size()));
      if (brace == nullptr) return;
      bytes.remove_prefix(static_cast<std::size_t>(brace - bytes.data()));
      switch (parse_stamp(bytes, stamp, used)) {
        case StampParse::found:
          on_stamp(stamp);
          bytes.remove_prefix(used);
          break;
        case StampParse::none:
          bytes.remove_prefix(1);
          break;
        case StampParse::partial:
          carry_.assign(bytes);
          return;
      }
    }
  }

 private:
  std::string carry_;
};

struct SequenceFaults {
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // came late, but came: not counted as lost
};

// Checks that one stream brings each partition's sequence once, in order and without holes, from the first one seen on.
class SequenceCheck {
 public:
  void see(const Stamp& stamp, SequenceFaults& faults);

 private:
  struct Partition {
    std::uint64_t next = 0;     // 0: nothing seen yet
    std::uint64_t missing = 0;  // bit d: sequence next-1-d has not come
  };
  std::vector<Partition> partitions_;
};

}  // namespace tailgate::bench
