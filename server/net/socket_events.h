// Which sockets of an io thread can be read or written: an epoll of our own, which asio watches as one descriptor.
//
// asio has epoll look again by a system call each time that a socket is waited for. Here a socket is added once,
// edge-triggered: what can be read is told once when it comes, and whoever owns the socket remembers it.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <span>

namespace tailgate {

// Threads: that of `context`, and before it runs whoever builds it.
class SocketEvents {
 public:
  // Told nothing any more once it is destroyed. Each of these may destroy any.
  class Watched : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // Something has come since this was told last: bytes, or (`is_over`) an end or an error.
    virtual void on_input(bool is_over) = 0;
    // Since watch_output: there is room for more, or an error.
    virtual void on_output() = 0;
    // run_soon was called.
    virtual void on_due() = 0;

   protected:
    ~Watched() = default;
  };

  explicit SocketEvents(boost::asio::io_context& context);
  SocketEvents(const SocketEvents&) = delete;
  SocketEvents& operator=(const SocketEvents&) = delete;

  // False when the kernel will not watch another. To be removed before `fd` is closed, by which the kernel forgets it.
  bool add(int fd, Watched& watched);
  void remove(const Watched& watched);
  // Tells of room for output that is there already, too.
  void watch_output(int fd, Watched& watched);
  // Once, from the loop, however often it is asked for until then.
  void run_soon(Watched& watched);

 private:
  static constexpr std::size_t kEventsATurn = 16;
  using List = boost::intrusive::list<Watched, boost::intrusive::constant_time_size<false>>;

  void wait();
  void tell();
  void run_due();

  boost::asio::io_context& context_;
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> epoll_;
  std::array<epoll_event, kEventsATurn> events_;
  std::span<epoll_event> untold_;  // of `events_`; the first is being told
  List due_;
};

}  // namespace tailgate
