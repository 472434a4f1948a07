#include "tests/ledger/swarm.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cmath>
#include <future>
#include <limits>
#include <random>
#include <utility>

#include "tests/ledger/body_reader.h"
#include "tests/ledger/decoding_reader.h"
#include "tests/ledger/wire.h"

namespace tailgate::ledger {

namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

std::string_view accept_of(Representation representation) {
  switch (representation) {
    case Representation::ndjson:
      return "application/x-ndjson";
    case Representation::long_poll:
      return "application/json";
    case Representation::sse:
      break;
  }
  return "text/event-stream";
}

}  // namespace

// One client. Everything runs on the swarm's thread; handlers of an earlier connection are told by its number.
class VirtualClient final : public WireEvents {
 public:
  VirtualClient(Swarm& swarm, std::int32_t number)
      : swarm_{swarm},
        plan_{swarm.ledger_.plans()[static_cast<std::size_t>(number)]},
        number_{number},
        random_{swarm.settings_.seed * 1'000'003 + static_cast<std::uint64_t>(number)},
        socket_{swarm.io_},
        timer_{swarm.io_},
        replica_{static_cast<std::size_t>(number) % swarm.settings_.ports.size()} {}

  void start() { wait(uniform(0, swarm_.settings_.pause_ms_max)); }

  void settle() {
    cut_after_ = kNever;
    if (is_open_ || plan_.stays_away) timer_.cancel();
  }

  void stop() {
    timer_.cancel();
    if (is_open_) close("stopped");
  }

  std::string last_id() const {
    const auto id = reader_ ? reader_->last_id() : std::string{};
    return id.empty() ? last_id_ : id;
  }

  void on_head(int status, const std::map<std::string, std::string>& fields) override {
    Entry entry;
    entry.kind = Entry::Kind::response;
    entry.status = status;
    append(std::move(entry));
    is_refused_ = status != 200;
    const auto coding = fields.find("content-encoding");
    is_coded_ = coding != fields.end();
    if (is_coded_) reader_ = make_decoding_reader(coding->second, std::move(reader_));
  }

  void on_body(std::string_view bytes) override {
    if (is_refused_) return;
    reader_->feed(bytes, seen_);
    log_seen();
  }

  void on_end() override {
    is_ended_ = true;
    if (is_refused_) return;
    // A long poll's length shows that it was cut.
    const bool shows_cuts =
        is_coded_ || (plan_.shape.representation == Representation::ndjson && reader_->is_inside_event());
    const bool may_be_cut = swarm_.settings_.hides_cuts_of_h2 && plan_.is_h2 && shows_cuts;
    if (!may_be_cut) reader_->finish(seen_);
    log_seen();
  }

 private:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  static constexpr std::int64_t kPollPauseMs = 300;

  std::int64_t uniform(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>{low, high}(random_);
  }

  // 1 to cut_bytes_max, each power of two as likely as any other.
  std::size_t draw_cut() {
    if (swarm_.is_settled_ || !plan_.is_cut) return kNever;
    const auto power =
        std::uniform_real_distribution<>{0, std::log(static_cast<double>(swarm_.settings_.cut_bytes_max))}(random_);
    return static_cast<std::size_t>(std::exp(power));
  }

  void append(Entry entry) {
    entry.client = number_;
    entry.connection = connection_;
    entry.replica = static_cast<std::int32_t>(replica_);
    if (entry.at_us == 0) entry.at_us = now_us();
    swarm_.ledger_.append(std::move(entry));
  }

  void log_seen() {
    for (const auto& seen : seen_) append(entry_of(plan_, seen));
    seen_.clear();
  }

  void wait(std::int64_t ms) {
    timer_.expires_after(std::chrono::milliseconds{ms});
    timer_.async_wait([this](const ErrorCode&) {
      if (!swarm_.is_stopped_ && !is_open_) connect();
    });
  }

  void connect() {
    ++connection_;
    replica_ = (replica_ + 1) % swarm_.settings_.ports.size();
    is_open_ = true;
    wire_ = plan_.is_h2 ? make_http2_wire() : make_http1_wire();
    socket_ = Tcp::socket{swarm_.io_};
    ErrorCode error;
    socket_.open(Tcp::v4(), error);
    if (plan_.bytes_per_second > 0) socket_.set_option(asio::socket_base::receive_buffer_size{8192}, error);
    const Tcp::endpoint to{asio::ip::address_v4::loopback(), swarm_.settings_.ports[replica_]};
    socket_.async_connect(to, [this, connection = connection_](const ErrorCode& failed) {
      if (connection != connection_ || !is_open_) return;
      ErrorCode ignored_by_the_kernel;
      socket_.set_option(Tcp::no_delay{true}, ignored_by_the_kernel);
      if (failed) return close("refused: " + failed.message());
      request();
    });
  }

  void request() {
    Entry entry;
    entry.kind = Entry::Kind::connect;
    entry.id = last_id_;
    append(std::move(entry));
    reader_ = make_body_reader(plan_.shape);
    is_ended_ = is_refused_ = false;
    received_ = 0;
    cut_after_ = draw_cut();
    silence_us_ = 0;
    WireRequest request;
    request.authority = "127.0.0.1:" + std::to_string(swarm_.settings_.ports[replica_]);
    request.target = plan_.target();
    request.accept = accept_of(plan_.shape.representation);
    request.accept_encoding = plan_.accept_encoding;
    if (last_id_.empty())
      request.target += "&from=" + plan_.from;
    else if (plan_.shape.representation != Representation::sse && number_ % 2 == 0)
      request.target += "&last_event_id=" + last_id_;
    else
      request.last_event_id = last_id_;
    wire_->request(request);
    flush();
    if (is_open_) read();
  }

  void flush() {
    const auto output = wire_->take_output();
    if (output.empty()) return;
    ErrorCode error;
    asio::write(socket_, asio::buffer(output), error);  // requests and window updates: they fit any send buffer
    if (error) close("cannot write: " + error.message());
  }

  void read() {
    auto size = buffer_.size();
    if (plan_.bytes_per_second > 0 && !swarm_.is_settled_) size = static_cast<std::size_t>(plan_.bytes_per_second / 10);
    if (cut_after_ != kNever) size = std::min(size, cut_after_ - received_);
    const auto began_us = now_us();
    socket_.async_read_some(asio::buffer(buffer_.data(), std::min(size, buffer_.size())),
                            [this, began_us, connection = connection_](const ErrorCode& error, std::size_t bytes) {
                              if (connection != connection_ || !is_open_) return;
                              silence_us_ = std::max(silence_us_, now_us() - began_us);
                              on_bytes(error, bytes);
                            });
  }

  void on_bytes(const ErrorCode& error, std::size_t bytes) {
    received_ += bytes;
    if (!wire_->feed({buffer_.data(), bytes}, *this)) return close("reset, or not HTTP");
    if (error) return close(error.message());
    if (received_ >= cut_after_) return cut();
    flush();
    if (!is_open_) return;
    if (is_ended_) return on_response_end();
    if (plan_.bytes_per_second > 0 && !swarm_.is_settled_) {
      timer_.expires_after(std::chrono::milliseconds{100});
      timer_.async_wait([this, connection = connection_](const ErrorCode&) {
        if (connection == connection_ && is_open_) read();
      });
      return;
    }
    read();
  }

  void on_response_end() {
    if (plan_.shape.representation != Representation::long_poll || is_refused_ || !wire_->is_reusable() ||
        uniform(0, 1) == 0) {
      return close("ended");
    }
    end_connection("ended, connection kept");
    ++connection_;
    timer_.expires_after(std::chrono::milliseconds{uniform(0, kPollPauseMs)});
    timer_.async_wait([this, connection = connection_](const ErrorCode&) {
      if (connection == connection_ && is_open_) request();
    });
  }

  void cut() {
    swarm_.cuts_.fetch_add(1);
    if (reader_->is_inside_event()) swarm_.cuts_inside_.fetch_add(1);
    const bool is_rude = uniform(0, 3) == 0;
    ErrorCode error;
    if (is_rude) socket_.set_option(asio::socket_base::linger{true, 0}, error);
    close(is_rude ? "cut by reset" : "cut");
  }

  void end_connection(std::string why) {
    Entry entry;
    entry.kind = Entry::Kind::close;
    entry.text = std::move(why);
    entry.silence_us = silence_us_;
    if (reader_) {
      if (const auto id = reader_->last_id(); !id.empty()) last_id_ = id;
      entry.lost_behind_id_line = reader_->is_behind_id_line();
    }
    append(std::move(entry));
    reader_.reset();
  }

  void close(std::string why) {
    end_connection(std::move(why));
    is_open_ = false;
    ErrorCode error;
    socket_.close(error);
    if (swarm_.is_stopped_) return;
    const bool is_away = plan_.stays_away && !swarm_.is_settled_;
    wait(uniform(0, is_away ? swarm_.settings_.away_ms_max : swarm_.settings_.pause_ms_max));
  }

  Swarm& swarm_;
  const ClientPlan& plan_;
  std::int32_t number_;
  std::mt19937_64 random_;
  Tcp::socket socket_;
  asio::steady_timer timer_;
  std::size_t replica_;
  std::int32_t connection_ = 0;
  bool is_open_ = false;
  bool is_ended_ = false;
  bool is_refused_ = false;
  bool is_coded_ = false;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<BodyReader> reader_;
  std::vector<Seen> seen_;
  std::string last_id_;
  std::size_t received_ = 0;
  std::size_t cut_after_ = kNever;
  std::int64_t silence_us_ = 0;
  std::array<char, 16 * 1024> buffer_;
};

Swarm::Swarm(Ledger& ledger, SwarmSettings settings)
    : ledger_{ledger}, settings_{std::move(settings)}, work_{asio::make_work_guard(io_)} {
  for (std::size_t number = 0; number < ledger_.plans().size(); ++number) {
    clients_.push_back(std::make_unique<VirtualClient>(*this, static_cast<std::int32_t>(number)));
    clients_.back()->start();
  }
  thread_ = std::thread{[this] { io_.run(); }};
}

Swarm::~Swarm() { stop(); }

void Swarm::settle() {
  asio::post(io_, [this] {
    is_settled_ = true;
    for (const auto& client : clients_) client->settle();
  });
}

std::vector<std::string> Swarm::last_ids() {
  std::promise<std::vector<std::string>> answer;
  asio::post(io_, [&] {
    std::vector<std::string> ids;
    for (const auto& client : clients_) ids.push_back(client->last_id());
    answer.set_value(std::move(ids));
  });
  return answer.get_future().get();
}

void Swarm::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    is_stopped_ = true;
    for (const auto& client : clients_) client->stop();
    work_.reset();
  });
  thread_.join();
}

}  // namespace tailgate::ledger
