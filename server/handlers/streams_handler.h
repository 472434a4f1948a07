// GET /streams/…: from a request to a subscriber on a feed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "server/handlers/caller_limits.h"
#include "server/handlers/cursor_commits.h"
#include "server/handlers/path_handler.h"
#include "streams/coding.h"
#include "streams/feed_set.h"

namespace tailgate {

struct StreamsOptions {
  std::int64_t heartbeat_ms = 15'000;
  std::int64_t retry_ms = 3'000;
  std::int64_t age_ms = 0;  // of a stream, at most; 0: any
  CodingSet codings{};      // with which open-ended streams are compressed for clients that want it
};

// Threads: handle() on every io thread, each with its own FeedSet.
class StreamsHandler final : public PathHandler {
 public:
  // All by Loop::index().
  StreamsHandler(std::vector<FeedSet*> feeds, std::vector<CursorCommits*> commits, std::vector<CallerLimits> limits,
                 const StreamsOptions& options)
      : feeds_{std::move(feeds)}, commits_{std::move(commits)}, limits_{std::move(limits)}, options_{options} {}

  void handle(Exchange& exchange) override;

 private:
  std::vector<FeedSet*> feeds_;
  std::vector<CursorCommits*> commits_;
  std::vector<CallerLimits> limits_;
  StreamsOptions options_;
};

}  // namespace tailgate
