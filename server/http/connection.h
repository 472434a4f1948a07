// One accepted connection: the handshake, the choice of protocol, and all reading and writing for its session.
//
// Costs about 400 bytes besides its transport (100) and its session. Nothing is kept for reading; for writing, only
// what the socket did not accept of the last flush: with HTTP/1.1 kStreamFrameBytes, with HTTP/2 kTurnBytes, and their
// framing.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>

#include "base/timers.h"
#include "limits/connection_limit.h"
#include "server/http/http_thread.h"
#include "server/http/session.h"
#include "server/http/stall_clock.h"
#include "server/net/transport.h"

namespace tailgate {

class ConnectionSet;

// Threads: its io thread.
class Connection final : public Transport::User,
                         public SessionHost,
                         public LoopPass::Member,
                         public boost::intrusive::list_base_hook<boost::intrusive::tag<ConnectionSet>> {
 public:
  // `set` owns it.
  Connection(HttpThread& thread, ConnectionSet& set, std::unique_ptr<Transport> transport, ConnectionInfo info,
             ConnectionLimit::Slot slot);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Take nothing new; close when what is under way has ended.
  void drain();
  // At once, and the peer sees a reset. True: something was under way.
  bool reset();
  // At once. The object is destroyed by its set, later.
  void close(WhyEnded why);

  void wake() override { thread_.pass.add(*this); }
  const ConnectionInfo& info() const override { return info_; }
  std::size_t write_bytes_max() const override;

 private:
  enum class Stage : std::uint8_t { handshake, choosing, open, lingering, closed };

  void on_readable() override;
  void on_writable() override;
  void on_turn() override;
  void on_time();

  void shake_hands();
  void count_failed_handshake();
  void choose(std::string_view bytes);
  void open(std::unique_ptr<Session> session);
  void take_input(std::string_view bytes);
  void send();
  bool send_unsent();
  bool write_gathered();
  void settle();
  void linger();
  std::int64_t deadline_ms() const;
  void schedule();

  HttpThread& thread_;
  ConnectionSet& set_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Session> session_;  // once the protocol is known
  ConnectionInfo info_;
  ConnectionLimit::Slot slot_;
  std::string unsent_;  // gathered and not accepted by the socket; while choosing: what has come
  Timer timer_;
  std::int64_t timer_due_ms_ = kNever;
  std::int64_t since_ms_;  // when the stage began
  StallClock stall_;
  std::uint32_t lingered_bytes_ = 0;
  Stage stage_ = Stage::handshake;
  bool is_draining_ = false;
  bool has_ended_ = false;  // the peer's last byte has come
};

// The connections of one io thread.
class ConnectionSet {
 public:
  explicit ConnectionSet(Loop& loop) : loop_{loop} {}
  ~ConnectionSet();
  Connection& add(std::unique_ptr<Connection> connection);
  // Destroys it when the loop has come round, so that nothing on the stack still belongs to it.
  void bury(Connection& connection);
  std::size_t size() const { return living_.size(); }
  void drain_all();
  // How many of them had something under way.
  std::size_t reset_all();
  void close_all(WhyEnded why);

 private:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<ConnectionSet>>;
  using List = boost::intrusive::list<Connection, boost::intrusive::base_hook<Hook>>;
  void clear_dead();

  Loop& loop_;
  List living_;
  List dead_;
};

}  // namespace tailgate
