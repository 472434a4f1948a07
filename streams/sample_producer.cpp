#include "streams/sample_producer.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <utility>

#include "base/thread_name.h"

namespace tailgate {

namespace {

constexpr std::chrono::milliseconds kTick{125};
constexpr int kFlushMs = 500;
constexpr std::size_t kOpenOrdersMax = 12;

constexpr std::array<const char*, 6> kCustomers{"Ada", "Brahim", "Chloé", "Dmitri", "Emeka", "Fatima"};
constexpr std::array<const char*, 4> kSteps{"placed", "paid", "packed", "shipped"};
constexpr std::array<const char*, 5> kProducts{"lamp-oak", "lamp-steel", "shelf-90", "chair-blue", "desk-140"};
constexpr std::array<const char*, 6> kPaths{"/", "/pricing", "/docs", "/docs/start", "/blog/streams", "/cart"};
constexpr std::array<const char*, 4> kSensors{"greenhouse-1", "greenhouse-2", "cellar", "roof"};

template <class... Values>
std::string text(const char* format, Values... values) {
  std::array<char, 256> out{};
  const int size = std::snprintf(out.data(), out.size(), format, values...);
  return std::string{out.data(), static_cast<std::size_t>(size)};
}

}  // namespace

const std::vector<SampleTopic>& SampleProducer::topics() {
  static const std::vector<SampleTopic> topics{{"orders", 3}, {"stock", 1}, {"page-views", 2}, {"readings", 4}};
  return topics;
}

Result<std::unique_ptr<SampleProducer>> SampleProducer::open(const std::string& bootstrap) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap.c_str(), why.data(), why.size());
  rd_kafka_conf_set(conf, "linger.ms", "0", why.data(), why.size());
  rd_kafka_conf_set(conf, "client.id", "tailgate-sample", why.data(), why.size());
  Handle handle{rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size())};
  if (!handle) {
    rd_kafka_conf_destroy(conf);
    return Error{ErrorCode::upstream_down, std::string{"librdkafka: "} + why.data()};
  }
  return std::unique_ptr<SampleProducer>{new SampleProducer{std::move(handle)}};
}

SampleProducer::SampleProducer(Handle handle) : handle_{std::move(handle)}, thread_{[this] { run(); }} {}

SampleProducer::~SampleProducer() {
  {
    const std::scoped_lock lock{mutex_};
    is_stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(handle_.get(), kFlushMs);
}

void SampleProducer::run() {
  name_thread("samples");
  for (std::uint64_t tick = 0;; ++tick) {
    {
      std::unique_lock lock{mutex_};
      wake_.wait_for(lock, kTick, [this] { return is_stopping_; });
      if (is_stopping_) return;
    }
    if (tick % 2 == 0) produce_page_view();
    if (tick % 2 == 1) produce_reading();
    if (tick % 5 == 0) produce_order();
    if (tick % 16 == 3) produce_stock();
    rd_kafka_poll(handle_.get(), 0);
  }
}

std::uint32_t SampleProducer::random_below(std::uint32_t bound) {
  return std::uniform_int_distribution<std::uint32_t>{0, bound - 1}(random_);
}

// Every order goes through its steps under one key, and so through one partition.
void SampleProducer::produce_order() {
  if (open_orders_.size() < kOpenOrdersMax && random_below(2) == 0) open_orders_[++orders_] = 0;
  if (open_orders_.empty()) return;
  const auto order = std::next(open_orders_.begin(), random_below(static_cast<std::uint32_t>(open_orders_.size())));
  const auto& [number, step] = *order;
  const std::string key = text("order-%u", number);
  const std::string value = text(
      R"({"order":%u,"customer":"%s","product":"%s","quantity":%u,"total":%u.%02u,"currency":"EUR","status":"%s"})",
      number, kCustomers[number % kCustomers.size()], kProducts[number % kProducts.size()], 1 + number % 3,
      20 + number * 7 % 180, number * 13 % 100, kSteps[static_cast<std::size_t>(step)]);
  produce("orders", key, &value,
          {{"source", "shop"}, {"trace", text("%08x%08x", random_below(~0U), random_below(~0U))}});
  if (static_cast<std::size_t>(++order->second) == kSteps.size()) open_orders_.erase(order);
}

// As in a compacted topic: the last record of a key counts, and null says that there is none any more.
void SampleProducer::produce_stock() {
  const char* product = kProducts[random_below(static_cast<std::uint32_t>(kProducts.size()))];
  if (random_below(6) == 0) {
    produce("stock", product, nullptr, {{"reason", "discontinued"}});
    return;
  }
  const std::string value = text(R"({"product":"%s","stock":%u})", product, random_below(200));
  produce("stock", product, &value, {});
}

void SampleProducer::produce_page_view() {
  const std::uint32_t visitor = random_below(40);
  const std::string value = text(R"({"visitor":"v-%u","path":"%s","ms":%u,"mobile":%s})", visitor,
                                 kPaths[random_below(static_cast<std::uint32_t>(kPaths.size()))],
                                 20 + random_below(400), random_below(2) == 0 ? "true" : "false");
  produce("page-views", text("v-%u", visitor), &value, {});
}

void SampleProducer::produce_reading() {
  const char* sensor = kSensors[random_below(static_cast<std::uint32_t>(kSensors.size()))];
  const std::string value = text(R"({"sensor":"%s","celsius":%u.%u,"humidity":0.%02u})", sensor, 12 + random_below(14),
                                 random_below(10), 35 + random_below(50));
  produce("readings", sensor, &value, {{"unit", "celsius"}});
}

void SampleProducer::produce(const char* topic, const std::string& key, const std::string* value,
                             const std::vector<Header>& headers) {
  rd_kafka_headers_t* packed = rd_kafka_headers_new(headers.size());
  for (const Header& header : headers) {
    rd_kafka_header_add(packed, header.name, -1, header.value.data(), static_cast<ssize_t>(header.value.size()));
  }
  void* bytes = value == nullptr ? nullptr : const_cast<char*>(value->data());  // copied, as the flag says
  const std::size_t size = value == nullptr ? 0 : value->size();
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      handle_.get(), RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_VALUE(bytes, size),
      RD_KAFKA_V_HEADERS(packed), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  // A full queue costs the demo a record: the next one is due in a moment.
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(packed);
}

}  // namespace tailgate
