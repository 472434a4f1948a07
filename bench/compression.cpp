// What a coding makes of a feed's events, and what it takes: bytes and time by level and by how many events come
// together. The first table of docs/decisions/015.
#include <zlib.h>
#include <zstd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "streams/coded_format.h"

namespace tailgate::bench {
namespace {

// An SSE event with a JSON value of about 225 bytes: names and some values that all share, some of its own.
std::string event_at(std::uint64_t offset) {
  std::uint64_t state = offset * 0x9e3779b97f4a7c15U + 1;
  const auto draw = [&state](std::uint64_t range) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % range;
  };
  constexpr std::array<const char*, 4> kStates{"created", "paid", "shipped", "cancelled"};
  constexpr std::array<const char*, 3> kCurrencies{"EUR", "USD", "GBP"};
  std::array<char, 512> text;
  const int size = std::snprintf(
      text.data(), text.size(),
      R"(data: {"order":"o-%010llu","customer":%llu,"status":"%s","currency":"%s","amount":%llu.%02llu,)"
      R"("items":[{"sku":"sku-%05llu","n":%llu},{"sku":"sku-%05llu","n":%llu}],"placed_ms":%llu,)"
      R"("channel":"web","country":"DE","note":"%08llx"})"
      "\nid: 0:%llu\n\n",
      static_cast<unsigned long long>(draw(10'000'000'000)), static_cast<unsigned long long>(draw(90'000)),
      kStates[draw(4)], kCurrencies[draw(3)], static_cast<unsigned long long>(draw(300)),
      static_cast<unsigned long long>(draw(100)), static_cast<unsigned long long>(draw(20'000)),
      static_cast<unsigned long long>(1 + draw(9)), static_cast<unsigned long long>(draw(20'000)),
      static_cast<unsigned long long>(1 + draw(9)),
      static_cast<unsigned long long>(1'790'000'000'000 + offset * 25 + draw(25)),
      static_cast<unsigned long long>(draw(UINT32_MAX)), static_cast<unsigned long long>(1'000'000 + offset));
  return {text.data(), static_cast<std::size_t>(size)};
}

// A level of a library as it would be used: our window, flushed after every piece.
class ZlibAtLevel final : public Compressor {
 public:
  explicit ZlibAtLevel(int level) { deflateInit2(&stream_, level, Z_DEFLATED, -13, 6, Z_DEFAULT_STRATEGY); }
  ~ZlibAtLevel() override { deflateEnd(&stream_); }
  ZlibAtLevel(const ZlibAtLevel&) = delete;
  ZlibAtLevel& operator=(const ZlibAtLevel&) = delete;
  void restart() override { deflateReset(&stream_); }
  void compress(std::string_view plain, std::string& out) override {
    out.resize(deflateBound(&stream_, plain.size()) + 16);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream_.avail_in = static_cast<uInt>(plain.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    deflate(&stream_, Z_SYNC_FLUSH);
    out.resize(out.size() - stream_.avail_out);
  }

 private:
  z_stream stream_{};
};

class ZstdAtLevel final : public Compressor {
 public:
  explicit ZstdAtLevel(int level) : context_{ZSTD_createCCtx()} {
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 13);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, 14);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, 13);
  }
  ~ZstdAtLevel() override { ZSTD_freeCCtx(context_); }
  ZstdAtLevel(const ZstdAtLevel&) = delete;
  ZstdAtLevel& operator=(const ZstdAtLevel&) = delete;
  void restart() override { ZSTD_CCtx_reset(context_, ZSTD_reset_session_only); }
  void compress(std::string_view plain, std::string& out) override {
    out.resize(ZSTD_compressBound(plain.size()) + 64);
    ZSTD_inBuffer from{plain.data(), plain.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_compressStream2(context_, &to, &from, ZSTD_e_flush);
    out.resize(to.pos);
  }

 private:
  ZSTD_CCtx* context_;
};

// Of this thread: others on the machine do not count.
double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct Cost {
  double times_smaller = 0;
  double us_per_event = 0;
};

// `restart_bytes`: nothing refers to what lies further back than about so much; 0: every flush stands alone.
Cost measure(Compressor& compressor, const std::vector<std::string>& events, std::size_t per_flush,
             std::size_t restart_bytes, int rounds) {
  std::vector<std::string> pieces;
  std::size_t plain = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i % per_flush == 0) pieces.emplace_back();
    pieces.back() += events[i];
    plain += events[i].size();
  }
  Cost best;
  std::string out;
  for (int round = 0; round < rounds; ++round) {
    std::size_t compressed = 0;
    std::size_t since_restart = restart_bytes;
    const double began_us = cpu_us();
    for (const std::string& piece : pieces) {
      if (since_restart >= restart_bytes) {
        compressor.restart();
        since_restart = 0;
      }
      since_restart += piece.size();
      out.clear();
      compressor.compress(piece, out);
      compressed += out.size();
    }
    const double us = (cpu_us() - began_us) / static_cast<double>(events.size());
    if (round == 0 || us < best.us_per_event) best.us_per_event = us;
    best.times_smaller = static_cast<double>(plain) / static_cast<double>(compressed);
  }
  return best;
}

int run(std::size_t count, int rounds) {
  std::vector<std::string> events;
  std::size_t bytes = 0;
  for (std::uint64_t offset = 0; offset < count; ++offset) bytes += events.emplace_back(event_at(offset)).size();
  std::printf("%zu events of %zu bytes; times smaller, and µs an event (the best of %d rounds)\n\n", count,
              bytes / count, rounds);
  std::printf(
      "| | 1 event a flush | 8 | 64 | 1, each flush alone | 8 | 64 |\n"
      "|---|---|---|---|---|---|---|\n");
  const auto row = [&](const std::string& name, Compressor& compressor) {
    std::printf("| %s |", name.c_str());
    for (const std::size_t restart_bytes : {std::size_t{32} * 1024, std::size_t{0}}) {
      for (const std::size_t per_flush : {1U, 8U, 64U}) {
        const Cost cost = measure(compressor, events, per_flush, restart_bytes, rounds);
        std::printf(" %.2f, %.1f µs |", cost.times_smaller, cost.us_per_event);
      }
    }
    std::printf("\n");
    std::fflush(stdout);
  };
  for (std::size_t i = 0; i < kCodings; ++i) {
    const auto coding = static_cast<Coding>(i);
    row(std::string{name_of(coding)} + ", once for all", *format_of(coding).make_compressor(Effort::for_all));
    row(std::string{name_of(coding)} + ", for one", *format_of(coding).make_compressor(Effort::for_one));
  }
  for (const int level : {1, 6}) {
    ZlibAtLevel zlib{level};
    row("zlib " + std::to_string(level), zlib);
  }
  for (const int level : {1, 3, 6, 9}) {
    ZstdAtLevel zstd{level};
    row("zstd " + std::to_string(level), zstd);
  }
  return 0;
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  std::size_t events = 8'000;
  int rounds = 9;
  CLI::App app{"Compresses the events of a feed as streams do, and prints bytes and time by coding and level"};
  app.add_option("--events", events)->check(CLI::PositiveNumber);
  app.add_option("--rounds", rounds)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  return tailgate::bench::run(events, rounds);
}
