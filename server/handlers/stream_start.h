// Where a stream starts and stops, in offsets: what a request says, resolved against Kafka where it has to be.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "cursors/position.h"
#include "server/handlers/stream_request.h"
#include "streams/feed.h"

namespace tailgate {

struct StreamStart {
  Position passed;                // every partition that the feed knows, and those that only the id knows
  std::optional<Position> until;  // inclusive
};

// Threads: the feed's. Answers once, on the loop, or within start() where nothing has to be asked: an id needs no
// answer of Kafka, and neither has `latest` on a feed that is live.
class StreamStartQuestion final : public Watch {
 public:
  using Then = std::function<void(Result<StreamStart>)>;
  // The answer takes the positions out of `request`.
  StreamStartQuestion(StreamRequest& request, StreamContext& context, Then then);

  void start(const Feed& feed);

 private:
  struct Wanted {
    TopicPartition source;
    std::string topic;
    bool is_by_id = false;      // the id names its topic, or the cursor covers it: nobody has to be asked
    Offset head = kNotStarted;  // what the reader has passed, where it is known
  };
  bool needs_ends() const;
  std::vector<TopicPartition> sources(bool with_those_by_id) const;
  void ask();
  template <class Value>
  void on_answer(const Result<Value>& answer, Value& value);
  void finish();
  Offset start_of(const Wanted& wanted) const;
  Offset until_of(const Wanted& wanted) const;

  StreamRequest& request_;
  StreamContext& context_;
  Then then_;
  std::vector<Wanted> wanted_;
  int open_questions_ = 0;
  std::optional<Error> error_;
  std::map<TopicPartition, PartitionEnds> ends_;
  std::map<TopicPartition, Offset> from_offsets_;
  std::map<TopicPartition, Offset> until_offsets_;
  Ask<Catalog::EndsAnswer> ends_ask_;
  Ask<Catalog::OffsetsAnswer> from_ask_;
  Ask<Catalog::OffsetsAnswer> until_ask_;
};

}  // namespace tailgate
