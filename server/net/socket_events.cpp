#include "server/net/socket_events.h"

#include <boost/asio/post.hpp>

namespace tailgate {
namespace {

constexpr std::uint32_t kInput = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

SocketEvents::SocketEvents(boost::asio::io_context& context)
    : context_{context}, epoll_{context.get_executor(), ::epoll_create1(EPOLL_CLOEXEC)} {
  wait();
}

bool SocketEvents::add(int fd, Watched& watched) {
  epoll_event event{};
  event.events = kInput;
  event.data.ptr = &watched;
  return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void SocketEvents::remove(const Watched& watched) {
  for (epoll_event& event : untold_) {
    if (event.data.ptr == &watched) event.data.ptr = nullptr;
  }
}

void SocketEvents::watch_output(int fd, Watched& watched) {
  epoll_event event{};
  event.events = kInput | EPOLLOUT;
  event.data.ptr = &watched;
  (void)::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd, &event);  // it was added
}

void SocketEvents::run_soon(Watched& watched) {
  if (watched.is_linked()) return;
  if (due_.empty()) boost::asio::post(context_, [this] { run_due(); });
  due_.push_back(watched);
}

void SocketEvents::wait() {
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    tell();
    wait();
  });
}

void SocketEvents::tell() {
  const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), kEventsATurn, 0);
  if (count <= 0) return;
  for (untold_ = {events_.data(), static_cast<std::size_t>(count)}; !untold_.empty(); untold_ = untold_.subspan(1)) {
    const epoll_event& event = untold_.front();
    // Emptied by remove().
    const auto watched = [&event] { return static_cast<Watched*>(event.data.ptr); };
    constexpr std::uint32_t kOver = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    if (watched() != nullptr && (event.events & (EPOLLIN | kOver)) != 0) {
      watched()->on_input((event.events & kOver) != 0);
    }
    if (watched() != nullptr && (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) watched()->on_output();
  }
}

void SocketEvents::run_due() {
  List due;
  due.swap(due_);
  while (!due.empty()) {
    Watched& watched = due.front();
    due.pop_front();
    watched.on_due();
  }
}

}  // namespace tailgate
