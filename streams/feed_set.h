// The feeds of one io thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/jitter.h"
#include "base/loop_pass.h"
#include "streams/coding.h"
#include "streams/compressor.h"
#include "streams/feed.h"
#include "streams/feed_chunk_pool.h"
#include "streams/stream_drain.h"

namespace tailgate {

// Threads: its io thread only.
class FeedSet {
 public:
  FeedSet(StreamContext& context, const FeedOptions& options);
  ~FeedSet();
  FeedSet(const FeedSet&) = delete;
  FeedSet& operator=(const FeedSet&) = delete;

  // The feed of that key, made if need be. Everything that `spec` names is in `topics`. It stays as long as it has
  // members, and for this turn of the loop at least.
  Feed& get(const FeedSpec& spec, const Topics& topics);

  // Where the streams and polls of this thread are kept that a drain ends.
  StreamDrain& drain() { return drain_; }
  // In which polls of this thread gather what has come.
  LoopPass& polls() { return polls_; }
  Jitter& jitter() { return jitter_; }
  StreamContext& context() { return context_; }
  const FeedOptions& options() const { return options_; }
  std::size_t size() const { return feeds_.size(); }
  std::size_t bytes() const { return bytes_; }
  // Where subscribers of this thread put bytes between a prepare and its emit.
  std::string& scratch() { return scratch_; }

  // For what one subscriber alone gets compressed; used between restarts.
  Compressor& compressor(Coding coding);

  // ---- of feeds ----
  // Stays as long as it has followers, and for this turn of the loop at least.
  KeyIndex& key_index(const TopicPartition& partition);
  std::string& encode_scratch() { return encode_scratch_; }
  void on_bytes_changed(std::size_t before, std::size_t after);
  bool is_over_bounds() const { return bytes_ > options_.feeds_bytes; }
  FeedChunkPool& chunks() { return chunks_; }
  // The feed has ended: who asks for its key again gets a new one.
  void on_ended(Feed& feed);

 private:
  std::vector<Feed*> all() const;
  void on_topics();
  void drop_idle();

  StreamContext& context_;
  FeedOptions options_;
  StreamDrain drain_;
  LoopPass polls_;
  Jitter jitter_;
  struct Kept {
    std::unique_ptr<Feed> feed;
    std::int64_t used_ms;  // when it was last asked for or seen with members
  };
  FeedChunkPool chunks_;
  std::map<TopicPartition, std::unique_ptr<KeyIndex>> key_indexes_;
  std::unordered_map<std::string, Kept> feeds_;
  std::vector<std::unique_ptr<Feed>> ended_;
  std::size_t bytes_ = 0;
  std::string scratch_;
  std::string encode_scratch_;
  std::array<std::unique_ptr<Compressor>, kCodings> compressors_;  // once somebody needed one
  Timer idle_timer_;
  std::unique_ptr<Watch> topics_watch_;
};

}  // namespace tailgate
