// One stream of the load client, and the figures that all of them add up to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/histogram.h"
#include "bench/stamp.h"
#include "streams/scripted/decoder.h"

namespace tailgate::bench {

// For each record the time until its last receiver had it.
class LastArrivals {
 public:
  void add(const Stamp& stamp, std::int64_t nanoseconds);
  const Histogram& finish();

 private:
  struct Slot {
    std::uint64_t key = UINT64_MAX;
    std::int64_t longest = 0;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(8192);
  Histogram histogram_;
};

struct Tally {
  std::int64_t now_ns = 0;  // CLOCK_REALTIME of the read at hand
  bool is_measuring = false;
  std::uint64_t events = 0;  // while measuring, like all below
  std::uint64_t bytes = 0;   // off the socket
  Histogram latency;
  LastArrivals last;
  SequenceFaults faults;  // of the whole run
};

class LoadStream {
 public:
  // `records`, `until_sequence`: when the stream is complete (0 and -1: never).
  LoadStream(Tally& tally, std::uint64_t records, std::int64_t until_sequence, std::optional<Coding> coding)
      : tally_{&tally},
        decoder_{coding ? scripted::make_decoder(*coding) : nullptr},
        records_{records},
        until_sequence_{until_sequence} {}

  void take_body(std::string_view bytes) {
    scanner_.feed(decoder_ ? std::string_view{text_ = decoder_->read(bytes)} : bytes,
                  [this](const Stamp& stamp) { take(stamp); });
  }
  bool is_complete() const { return is_complete_; }
  std::uint64_t received() const { return received_; }

 private:
  void take(const Stamp& stamp);

  Tally* tally_;
  std::unique_ptr<scripted::Decoder> decoder_;
  std::string text_;
  StampScanner scanner_;
  SequenceCheck check_;
  std::uint64_t received_ = 0;
  std::uint64_t records_;
  std::int64_t until_sequence_;
  bool is_complete_ = false;
};

}  // namespace tailgate::bench
