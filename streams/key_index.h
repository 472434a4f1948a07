// Which feeds want which keys: each record of a partition is looked up once, however many feeds filter by key.
//
// Without it every record would wake every such feed on its thread, and each would look through all records for its
// own. With it a feed hears of its own records only, and is told where they lie.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/loop.h"
#include "base/timers.h"
#include "streams/record.h"
#include "streams/record_log.h"
#include "streams/tails.h"

namespace tailgate {

class KeyIndex;

// One feed's follow of one partition, filtered. Dies before its index.
class KeyedFollow final : public Follow {
 public:
  static constexpr std::size_t kMatchesMax = 64;  // remembered; where there are more the feed looks for them itself

  KeyedFollow(KeyIndex& index, const std::vector<std::string>& keys, std::function<void()> on_news);
  ~KeyedFollow() override;
  const RecordLog& log() const override;

  // Puts a cursor of log() before its next match, or where the index has come to, if it is known that nothing between
  // is for this feed. True: the cursor has moved.
  bool skip(RecordLog::Cursor& cursor);

 private:
  friend class KeyIndex;
  struct Match {
    Offset offset;
    std::weak_ptr<const RecordChunk> chunk;
    std::size_t at;  // in it
  };

  KeyIndex& index_;
  const std::vector<std::string> keys_;
  const std::function<void()> on_news_;
  std::vector<Match> matches_;  // all that lie in [known_from_, where the index is)
  Offset known_from_ = 0;
  std::size_t place_ = 0;  // among the followers of the index
  std::uint64_t known_epoch_ = 0;
  bool is_told_ = false;    // of what the index reads at the moment
  bool has_heard_ = false;  // of a record of its own since it was its turn to hear of others'
};

// Threads: one loop's.
class KeyIndex {
 public:
  // A feed hears of records that are not for it so often, a few feeds at a time: its ids follow. One that has had a
  // record of its own in this time hears the next time.
  static constexpr std::int64_t kProgressMs = 1'000;

  KeyIndex(const TopicPartition& partition, Tails& tails, Loop& loop);
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;

  // As Tails::follow, but on_news runs when there is a record with one of `keys`, at most each kProgressMs where there
  // are only others', and whenever the log starts or loses its continuity.
  std::unique_ptr<KeyedFollow> follow(const std::vector<std::string>& keys, std::function<void()> on_news);
  bool has_followers() const { return !followers_.empty(); }

 private:
  friend class KeyedFollow;
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  void add(KeyedFollow& follower);
  void remove(KeyedFollow& follower);
  void read();
  void note(const RecordView& record, std::size_t at);
  void tell(KeyedFollow& follower);
  void tell_some();

  const std::unique_ptr<Follow> follow_;
  Loop& loop_;
  RecordLog::Cursor cursor_;               // no chunk is held between two reads
  std::weak_ptr<const RecordChunk> left_;  // the one that it stands in
  // Mostly one has a key: it stands beside it.
  using Wanting = boost::container::small_vector<KeyedFollow*, 1>;
  std::unordered_map<std::string, Wanting, KeyHash, std::equal_to<>> by_key_;
  std::vector<KeyedFollow*> followers_;
  std::vector<KeyedFollow*> told_;  // of what is being read
  std::size_t turn_ = 0;            // of followers_: who hears next of what is not for it
  std::size_t unheard_ = 0;         // so many have not heard yet of what was read last
  bool is_one_left_out_ = false;    // of the round, since it had heard of its own
  Ask<bool> rest_;                  // of a batch that was too much for one turn
  Timer progress_timer_;
};

}  // namespace tailgate
