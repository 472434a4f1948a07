// Drives one part of the hot path for a number of events, for callgrind to count its instructions:
// bench/check_instructions.
//
// The classes are the server's own; Kafka, clocks and sockets are memory, so that nothing else is counted and every run
// is the same.
#include <nghttp2/nghttp2.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "server/http/memory_connection.h"
#include "streams/encoder.h"
#include "streams/feed_set.h"
#include "streams/scripted/scripted_catalog.h"
#include "streams/scripted/scripted_history.h"
#include "streams/scripted/scripted_tails.h"
#include "streams/stream_body.h"

namespace tailgate::bench {
namespace {

constexpr int kSubscribers = 100;
constexpr Offset kHead = 1'000'000;  // where tails begin
const TopicPartition kSource{"k.a", 0};

RecordView record_at(Offset offset) {
  static const std::string value = R"({"p":0,"s":123456,"t":1790000000000000000,"x":")" + std::string(151, 'x') + "\"}";
  RecordView record;
  record.offset = offset;
  record.timestamp_ms = 1'790'000'000'000;
  record.key = "key-1";
  record.value = value;
  return record;
}

// Bytes that go nowhere.
class NoSink final : public ByteSink {
 public:
  void copy(std::string_view bytes) override { bytes_ += bytes.size(); }
  void ref(std::string_view bytes) override { bytes_ += bytes.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

// The streams of one io thread, on a tail that is written here.
struct Streams {
  Streams() {
    catalog.set({{"a", 1}});
    tails.log(kSource).start(kHead);
  }
  Feed& feed() {
    return feeds.get(FeedSpec{{"a"}, std::nullopt, {}, EventFormat::sse_value, /*gather_ms=*/0}, *catalog.topics());
  }
  std::unique_ptr<StreamBody> open_behind(Offset passed) {
    return std::make_unique<StreamBody>(feed(), Position{{"a", {{0, passed}}}}, StreamBodyOptions{});
  }
  void run() { loop.run(); }
  // The reader brings a record, and its followers hear of it.
  void publish(Offset offset) {
    tails.log(kSource).append(record_at(offset), loop.clock.steady_ms());
    tails.tell(kSource);
    run();
  }

  testing::ManualLoop loop;
  scripted::ScriptedTails tails;
  scripted::ScriptedHistory history;
  scripted::ScriptedCatalog catalog;
  Doubts doubts;
  StreamCounters counters;
  StreamContext context{loop, tails, history, catalog, doubts, counters};
  FeedSet feeds{context, FeedOptions{}};
};

// ---- encoding --------------------------------------------------------------------------------------------

template <EventFormat format>
void encode(Offset events) {
  std::string event;
  for (Offset offset = kHead; offset < kHead + events; ++offset) {
    event.clear();
    append_front(event, format, "a", 0, record_at(offset));
    append_tail(event, format, "0:1000000");
    assert(event.size() > record_at(offset).value->size());
  }
}

// ---- what is shared --------------------------------------------------------------------------------------

void record_log(Offset events) {
  RecordLog log;
  log.start(kHead);
  for (Offset offset = kHead; offset < kHead + events; ++offset) log.append(record_at(offset), 0);
  assert(log.next() == kHead + events);
}

// Stands at the head, so that the feed keeps no more than it must.
class Follower final : public FeedMember, private News::Waiter {
 public:
  explicit Follower(Feed& feed) : feed_{feed}, place_{feed.join(*this)} { feed_.news().add(*this); }
  ~Follower() override { feed_.leave(*this); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  void on_news() override {
    ++news_;
    feed_.news().add(*this);
  }
  void on_evicted(const FeedLog::Place& to) override { place_ = to; }
  const FeedLog::Place& place() const override { return place_; }
  // False: nothing had come.
  bool follow() {
    if (!feed_.encode_more()) return false;
    do {
      place_.entry = static_cast<std::uint32_t>(place_.chunk->entries.size());
    } while (feed_.advance(place_));
    return true;
  }
  int news() const { return news_; }

 private:
  Feed& feed_;
  FeedLog::Place place_;
  int news_ = 0;
};

// Through the tail into the feed's log.
void feed(Offset events) {
  Streams streams;
  Follower follower{streams.feed()};
  for (Offset offset = kHead; offset < kHead + events; ++offset) {
    streams.publish(offset);
    const bool has_come = follower.follow();
    assert(has_come);
    static_cast<void>(has_come);
  }
  assert(follower.news() >= events);
}

// A record of a key that none of a thousand feeds wants: looked up once for all of them.
void filter(Offset events) {
  constexpr int kFeeds = 1'000;
  constexpr Offset kTogether = 100;
  Streams streams;
  std::deque<Follower> followers;
  for (int i = 0; i < kFeeds; ++i) {
    const FeedSpec spec{{"a"}, std::nullopt, {"other-" + std::to_string(i)}, EventFormat::sse_value, /*gather_ms=*/0};
    followers.emplace_back(streams.feeds.get(spec, *streams.catalog.topics()));
  }
  for (Offset offset = kHead; offset < kHead + events; ++offset) {
    streams.tails.log(kSource).append(record_at(offset), 0);
    if (offset % kTogether != kTogether - 1) continue;
    streams.tails.tell(kSource);
    streams.run();
  }
  int news = 0;
  for (const Follower& follower : followers) news += follower.news();
  assert(news < kFeeds);
}

// ---- what each subscriber costs --------------------------------------------------------------------------

// What all of them have got when they have nothing more to get.
void pull_all(std::vector<std::unique_ptr<StreamBody>>& bodies, ByteSink& sink) {
  for (const auto& body : bodies) {
    while (true) {
      const Pull pull = body->prepare(kStreamFrameBytes);
      if (pull.state != Pull::State::ready) break;
      body->emit(pull.bytes, sink);
    }
  }
}

void pull(Offset events) {
  struct NoWaker final : Waker {
    void wake() override {}
  };
  Streams streams;
  NoWaker waker;
  std::vector<std::unique_ptr<StreamBody>> bodies;
  for (int i = 0; i < kSubscribers; ++i) {
    bodies.push_back(streams.open_behind(kHead - 1));
    bodies.back()->set_waker(waker);
  }
  NoSink sink;
  pull_all(bodies, sink);
  for (Offset offset = kHead; offset < kHead + events / kSubscribers; ++offset) {
    streams.publish(offset);
    pull_all(bodies, sink);
  }
  assert(bodies.front()->is_live());
  assert(sink.bytes() > static_cast<std::size_t>(events) * record_at(0).value->size());
}

// One client that reads pages of history, all of them in one chunk.
void catch_up(Offset events) {
  auto chunk = std::make_shared<RecordChunk>(static_cast<std::size_t>(events) * RecordChunk::bytes_of(record_at(0)));
  for (Offset offset = kHead - events; offset < kHead; ++offset) {
    const bool fits = chunk->append(record_at(offset));
    assert(fits);
    static_cast<void>(fits);
  }
  const auto page =
      std::make_shared<const HistoryPage>(kSource, Headers::left_out, kHead - events, kHead, std::move(chunk));
  Streams streams;
  const std::unique_ptr<StreamBody> body = streams.open_behind(kHead - events - 1);
  NoSink sink;
  while (!body->is_live()) {
    const Pull pull = body->prepare(kStreamFrameBytes);
    if (pull.state == Pull::State::ready) {
      body->emit(pull.bytes, sink);
      continue;
    }
    for (auto& asked : std::exchange(streams.history.asked, {})) asked.reply(page);
    streams.run();
  }
  assert(body->records() == static_cast<std::uint64_t>(events));
}

// ---- down to the socket ----------------------------------------------------------------------------------

// Connections whose peers are memory, and every request to them is a stream.
class Connections final : public Handler {
 public:
  void handle(Exchange& exchange) override {
    Response response;
    response.stream = streams_.open_behind(kHead - 1);
    exchange.respond(std::move(response));
  }
  Response refusal(int, std::string_view, std::string_view, const Request*) override { return {}; }

  void connect(const std::string& requests) {
    testing::MemoryPeer& peer = peers_.emplace_back();
    peer.to_read = requests;
    load_.add(1);
    set_.add(std::make_unique<Connection>(thread_, set_, std::make_unique<testing::MemoryTransport>(peer),
                                          ConnectionInfo{}, ConnectionLimit::Slot{}))
        .start();
    do {
      streams_.run();
    } while (peer.turn());
  }
  // To each of them, as often as that many events in all are.
  void publish(Offset events) {
    for (testing::MemoryPeer& peer : peers_) peer.written.clear();
    for (Offset offset = kHead; offset < kHead + events / kSubscribers; ++offset) {
      streams_.publish(offset);
      for (testing::MemoryPeer& peer : peers_) {
        assert(peer.written.size() * peers_.size() > kSubscribers * record_at(offset).value->size());
        peer.written.clear();
      }
    }
  }

 private:
  Streams streams_;
  HttpOptions options_;
  testing::TestObserver observer_;
  LoopLoad load_;
  HttpThread thread_{streams_.loop, load_, options_, *this, observer_};
  std::deque<testing::MemoryPeer> peers_;
  ConnectionSet set_{streams_.loop};
};

void h1(Offset events) {
  Connections connections;
  for (int i = 0; i < kSubscribers; ++i) connections.connect("GET /streams/a HTTP/1.1\r\nHost: h\r\n\r\n");
  connections.publish(events);
}

// What a client sends that opens all streams, with windows that it need not open again.
std::string h2_requests() {
  using Callbacks = CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del>;
  using Client = CHandle<nghttp2_session, nghttp2_session_del>;
  constexpr std::int32_t kWindow = std::int32_t{1} << 30;
  nghttp2_session_callbacks* callbacks_made = nullptr;
  nghttp2_session_callbacks_new(&callbacks_made);
  const Callbacks callbacks{callbacks_made};
  nghttp2_session* client_made = nullptr;
  nghttp2_session_client_new(&client_made, callbacks.get(), nullptr);
  const Client client{client_made};
  const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow};
  nghttp2_submit_settings(client.get(), NGHTTP2_FLAG_NONE, &window, 1);
  nghttp2_session_set_local_window_size(client.get(), NGHTTP2_FLAG_NONE, 0, kWindow);
  const auto field = [](std::string_view name, std::string_view value) {
    // libnghttp2 takes what it does not change without const.
    return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE};
  };
  const std::array<nghttp2_nv, 4> head{field(":method", "GET"), field(":scheme", "http"), field(":authority", "h"),
                                       field(":path", "/streams/a")};
  for (int i = 0; i < kSubscribers; ++i) {
    nghttp2_submit_request(client.get(), nullptr, head.data(), head.size(), nullptr, nullptr);
  }
  std::string bytes;
  const std::uint8_t* data = nullptr;
  for (ssize_t size = 0; (size = nghttp2_session_mem_send(client.get(), &data)) > 0;) {
    bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  return bytes;
}

void h2(Offset events) {
  Connections connections;
  connections.connect(h2_requests());
  connections.publish(events);
}

// ---------------------------------------------------------------------------------------------------------

struct Part {
  std::string_view name;
  void (*run)(Offset events);
};
constexpr std::array<Part, 10> kParts{{
    {"encode_sse_value", encode<EventFormat::sse_value>},
    {"encode_sse_envelope", encode<EventFormat::sse_envelope>},
    {"encode_ndjson", encode<EventFormat::ndjson>},
    {"record_log", record_log},
    {"feed", feed},
    {"filter", filter},
    {"pull", pull},
    {"catch_up", catch_up},
    {"h1", h1},
    {"h2", h2},
}};

// False: there is no such part.
bool run(std::string_view name, Offset events) {
  for (const Part& part : kParts) {
    if (part.name != name) continue;
    part.run(events);
    return true;
  }
  return false;
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  using tailgate::bench::kParts;
  std::string part;
  tailgate::Offset events = 0;
  CLI::App app{"Runs a part of the hot path; without one, names them"};
  app.add_option("part", part);
  app.add_option("events", events)->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  if (part.empty()) {
    for (const auto& known : kParts) std::printf("%s\n", known.name.data());
    return 0;
  }
  return tailgate::bench::run(part, events) ? 0 : 2;
}
