#include "server/http/connection.h"

#include <algorithm>
#include <utility>

#include "server/http/h1_session.h"
#include "server/http/h2_session.h"

namespace tailgate {
namespace {

// RFC 9113, 3.4.
constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// So long a drain waits for the first byte of a connection that is new.
constexpr std::int64_t kDrainFirstByteMs = 1'000;
// What a peer may still send after its connection was refused, before it is cut off.
constexpr std::uint32_t kLingerBytesMax = 256 * 1024;

}  // namespace

Connection::Connection(HttpThread& thread, ConnectionSet& set, std::unique_ptr<Transport> transport,
                       ConnectionInfo info, ConnectionLimit::Slot slot)
    : thread_{thread},
      set_{set},
      transport_{std::move(transport)},
      info_{info},
      slot_{std::move(slot)},
      timer_{*this, [](Connection& self) { self.on_time(); }},
      since_ms_{thread.now_ms()} {
  thread_.counters.open.add(OpenGauge::connections_new);
  transport_->set_user(*this);
}

Connection::~Connection() { close(WhyEnded::shutdown); }

void Connection::start() {
  shake_hands();
  schedule();
}

void Connection::shake_hands() {
  const IoResult result = transport_->handshake();
  switch (result.state) {
    case IoResult::State::done:
      break;
    case IoResult::State::blocked:
      return;
    case IoResult::State::closed:
    case IoResult::State::failed:
    case IoResult::State::foreign:
      thread_.counters.events.add(result.state == IoResult::State::foreign ? HttpEvent::clear_on_tls
                                                                           : HttpEvent::tls_failed);
      if (result.state != IoResult::State::foreign) count_failed_handshake();
      close(WhyEnded::client_closed);
      return;
    case IoResult::State::unannounced:
      thread_.counters.events.add(HttpEvent::bad_proxy_header);
      close(WhyEnded::client_closed);
      return;
  }
  if (const auto client = transport_->announced()) {
    info_.peer = *client;
    const auto verdict = slot_.count(AddressKey::of(*client));
    if (verdict == ConnectionLimit::Verdict::turned_away) return close(WhyEnded::shutdown);
    if (verdict != ConnectionLimit::Verdict::admitted) info_.verdict = verdict;
  }
  stage_ = Stage::choosing;
  since_ms_ = thread_.now_ms();
  if (info_.scheme == Scheme::https) {
    // What ALPN has agreed on, and nothing else: HTTP/1.1 is what a client without ALPN speaks.
    if (transport_->protocol() == "h2") {
      open(std::make_unique<H2Session>(thread_, *this));
    } else {
      open(std::make_unique<H1Session>(thread_, *this));
    }
    send();
    settle();
    return;
  }
  transport_->wait_readable();
}

void Connection::count_failed_handshake() {
  if (info_.handshakes != nullptr) info_.handshakes->add_failure(AddressKey::of(info_.peer), thread_.now_ms());
}

// HTTP/2 by prior knowledge starts with a preface that no HTTP/1.1 request can start with.
void Connection::choose(std::string_view bytes) {
  std::string before = std::exchange(unsent_, {});
  const std::string_view input = before.empty() ? bytes : before.append(bytes);
  const std::size_t looked = std::min(input.size(), kH2Preface.size());
  const bool may_be_h2 = input.substr(0, looked) == kH2Preface.substr(0, looked);
  if (may_be_h2 && looked < kH2Preface.size()) {
    unsent_ = input;
    return;
  }
  if (may_be_h2) {
    open(std::make_unique<H2Session>(thread_, *this));
  } else {
    open(std::make_unique<H1Session>(thread_, *this));
  }
  session_->receive(input);
}

void Connection::open(std::unique_ptr<Session> session) {
  stage_ = Stage::open;
  session_ = std::move(session);
  thread_.counters.open.add(OpenGauge::connections_new, -1);
  if (is_draining_) session_->drain();
}

void Connection::on_readable() {
  if (stage_ == Stage::handshake) {
    shake_hands();
    if (stage_ != Stage::closed) schedule();
    return;
  }
  const IoResult result = transport_->read(thread_.read_buffer);
  switch (result.state) {
    case IoResult::State::blocked:
      break;
    case IoResult::State::failed:
    case IoResult::State::foreign:
    case IoResult::State::unannounced:
      close(WhyEnded::client_closed);
      return;
    case IoResult::State::closed:
      has_ended_ = true;
      if (stage_ != Stage::open) {
        close(WhyEnded::client_closed);
        return;
      }
      session_->receive_end();
      break;
    case IoResult::State::done:
      take_input({thread_.read_buffer.data(), result.bytes});
      break;
  }
  if (stage_ == Stage::open) send();
  settle();
}

void Connection::take_input(std::string_view bytes) {
  if (stage_ == Stage::lingering) {
    lingered_bytes_ += static_cast<std::uint32_t>(bytes.size());
  } else if (stage_ == Stage::choosing) {
    choose(bytes);
  } else {
    session_->receive(bytes);
  }
}

void Connection::on_writable() {
  if (stage_ == Stage::handshake) {
    shake_hands();
    if (stage_ != Stage::closed) schedule();
    return;
  }
  if (stage_ == Stage::open) return thread_.pass.add_behind(*this);
  settle();
}

void Connection::on_turn() {
  if (stage_ == Stage::open) send();
  settle();
}

std::size_t Connection::write_bytes_max() const {
  if (!transport_->is_drained()) return kStreamFrameBytes;
  return std::min(kStreamFrameBytes + thread_.options.notsent_lowat_bytes, kTurnBytes);
}

void Connection::send() {
  if (!send_unsent()) return;
  std::size_t turn_bytes = 0;
  for (;;) {
    thread_.gather.clear();
    const bool has_more = session_->fill(thread_.gather);
    const std::size_t bytes = thread_.gather.size();
    if (bytes > 0 && !write_gathered()) return;
    if (!has_more) break;
    turn_bytes += bytes;
    if (turn_bytes >= kTurnBytes) {
      if (Member::is_linked()) Member::unlink();  // whatever it was woken for has had its turn
      thread_.pass.add_behind(*this);
      return;
    }
  }
  stall_.stop();
}

// False when there is still something that the socket does not take, or the connection has gone.
bool Connection::send_unsent() {
  if (unsent_.empty()) return true;
  const iovec piece{unsent_.data(), unsent_.size()};
  const IoResult result = transport_->write({&piece, 1});
  if (result.state != IoResult::State::done && result.state != IoResult::State::blocked) {
    close(WhyEnded::client_closed);
    return false;
  }
  stall_.add(result.bytes);
  if (result.bytes == unsent_.size()) {
    unsent_ = {};
    return true;
  }
  unsent_.erase(0, result.bytes);
  transport_->wait_writable();
  return false;
}

bool Connection::write_gathered() {
  const Gather& gather = thread_.gather;
  const IoResult result = transport_->write(gather.pieces());
  if (result.state != IoResult::State::done && result.state != IoResult::State::blocked) {
    close(WhyEnded::client_closed);
    return false;
  }
  stall_.add(result.bytes);
  const bool is_all = result.bytes == gather.size();
  if (!is_all) {
    gather.copy_rest(result.bytes, unsent_);
    stall_.start(thread_.now_ms());
    transport_->wait_writable();
  }
  thread_.spent.clear();
  return is_all;
}

// After anything has happened: closes, reads on, sets the timer.
void Connection::settle() {
  if (stage_ == Stage::closed) return;
  thread_.spent.clear();
  if (stage_ == Stage::lingering) {
    if (lingered_bytes_ > kLingerBytesMax) {
      close(WhyEnded::complete);
      return;
    }
    transport_->wait_readable();
    return;
  }
  if (session_) {
    if (session_->life() == Session::Life::reset) {
      transport_->reset_on_close();
      close(WhyEnded::cut);
      return;
    }
    if (session_->life() == Session::Life::finish && unsent_.empty()) {
      linger();
      return;
    }
  }
  const bool is_output_blocked = session_ && !unsent_.empty();
  if (!has_ended_ && (!session_ || session_->wants_input(is_output_blocked))) transport_->wait_readable();
  schedule();
}

// Closing with input unread would reset the connection, and the peer might lose our last answer to that.
void Connection::linger() {
  if (has_ended_) {
    close(WhyEnded::complete);
    return;
  }
  transport_->finish_writing();
  session_->abandon(WhyEnded::cut);  // what has not ended by now will not
  stage_ = Stage::lingering;
  since_ms_ = thread_.now_ms();
  transport_->wait_readable();
  schedule();
}

std::int64_t Connection::deadline_ms() const {
  const HttpOptions& options = thread_.options;
  switch (stage_) {
    case Stage::handshake:
      return since_ms_ + options.tls_handshake_ms;
    case Stage::choosing:
      return since_ms_ + options.first_byte_ms;
    case Stage::lingering:
      return since_ms_ + options.linger_ms;
    case Stage::closed:
      return kNever;
    case Stage::open:
      break;
  }
  const std::int64_t deadline = session_->deadline_ms();
  return stall_.is_running() ? std::min(deadline, stall_.deadline_ms(options)) : deadline;
}

// The timer is only ever moved forward when it fires, so that what extends a deadline costs nothing.
void Connection::schedule() {
  const std::int64_t deadline = deadline_ms();
  if (deadline >= timer_due_ms_) return;
  timer_due_ms_ = deadline;
  thread_.loop.timers().set(timer_, deadline - thread_.now_ms());
}

void Connection::on_time() {
  timer_due_ms_ = kNever;
  const std::int64_t now_ms = thread_.now_ms();
  switch (stage_) {
    case Stage::closed:
      return;
    case Stage::handshake:
    case Stage::choosing:
    case Stage::lingering:
      if (now_ms < deadline_ms()) break;
      if (stage_ == Stage::handshake) {
        thread_.counters.events.add(HttpEvent::timeout_handshake);
        count_failed_handshake();
      }
      if (stage_ == Stage::choosing) thread_.counters.events.add(HttpEvent::timeout_first_byte);
      close(WhyEnded::timed_out);
      return;
    case Stage::open:
      if (stall_.is_running() && now_ms >= stall_.deadline_ms(thread_.options) &&
          stall_.has_stalled(now_ms, thread_.options)) {
        thread_.counters.events.add(HttpEvent::stalled_connection);
        transport_->reset_on_close();
        close(WhyEnded::stalled);
        return;
      }
      session_->on_time(now_ms, !unsent_.empty());
      send();
      settle();
      return;
  }
  schedule();
}

// One whose protocol is not known yet is drained when it is: a request may be on its way.
void Connection::drain() {
  is_draining_ = true;
  if (stage_ == Stage::choosing) {
    since_ms_ = std::min(since_ms_, thread_.now_ms() + kDrainFirstByteMs - thread_.options.first_byte_ms);
    schedule();
  }
  if (stage_ != Stage::open) return;
  session_->drain();
  send();
  settle();
}

bool Connection::reset() {
  const bool is_open = stage_ == Stage::open;
  if (is_open) transport_->reset_on_close();
  close(WhyEnded::stalled);
  return is_open;
}

void Connection::close(WhyEnded why) {
  if (stage_ == Stage::closed) return;
  if (session_) {
    session_->abandon(why);
    session_.reset();
  } else {
    thread_.counters.open.add(OpenGauge::connections_new, -1);
  }
  stage_ = Stage::closed;
  timer_.cancel();
  if (LoopPass::Member::is_linked()) LoopPass::Member::unlink();
  transport_.reset();
  slot_ = {};
  unsent_ = {};
  thread_.spent.clear();
  thread_.load.add(-1);
  set_.bury(*this);
}

ConnectionSet::~ConnectionSet() {
  close_all(WhyEnded::shutdown);
  clear_dead();
}

Connection& ConnectionSet::add(std::unique_ptr<Connection> connection) {
  living_.push_back(*connection);
  return *connection.release();
}

void ConnectionSet::bury(Connection& connection) {
  living_.erase(living_.iterator_to(connection));
  if (dead_.empty()) loop_.post([this] { clear_dead(); });
  dead_.push_back(connection);
}

void ConnectionSet::clear_dead() {
  dead_.clear_and_dispose([](Connection* connection) { delete connection; });
}

void ConnectionSet::drain_all() {
  for (auto it = living_.begin(); it != living_.end();) (it++)->drain();
}

std::size_t ConnectionSet::reset_all() {
  std::size_t open = 0;
  while (!living_.empty()) open += living_.front().reset() ? 1U : 0U;
  return open;
}

void ConnectionSet::close_all(WhyEnded why) {
  while (!living_.empty()) living_.front().close(why);
}

}  // namespace tailgate
