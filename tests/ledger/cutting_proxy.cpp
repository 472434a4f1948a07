#include "tests/ledger/cutting_proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace tailgate::ledger {

namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

std::size_t cut_in(const std::string& head) {
  constexpr std::string_view kMark = "_cut=";
  const auto at = head.find(kMark);
  std::size_t cut = kNever;
  if (at != std::string::npos) std::from_chars(head.data() + at + kMark.size(), head.data() + head.size(), cut);
  return cut;
}

}  // namespace

// One connection and the one behind it; lives as long as a handler of it is under way.
class CuttingProxy::Link : public std::enable_shared_from_this<Link> {
 public:
  Link(CuttingProxy& proxy, Tcp::socket client) : proxy_{proxy}, client_{std::move(client)}, server_{proxy.io_} {}

  void start() {
    asio::async_read_until(client_, asio::dynamic_buffer(head_), "\r\n\r\n",
                           [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                             if (!error) self->connect();
                           });
  }

 private:
  void connect() {
    const auto cut = cut_in(head_);
    if (cut != kNever && proxy_.is_first(cut)) cut_ = left_ = cut;
    const Tcp::endpoint to{asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(proxy_.to_port_)};
    server_.async_connect(to, [self = shared_from_this()](const ErrorCode& error) {
      if (error) return;
      asio::async_write(self->server_, asio::buffer(self->head_), [self](const ErrorCode& failed, std::size_t) {
        if (failed) return;
        self->pump();
        self->watch_client();
      });
    });
  }

  void pump() {
    if (left_ == 0) return close();
    server_.async_read_some(asio::buffer(buffer_.data(), std::min(buffer_.size(), left_)),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                              if (error) return self->close();
                              if (self->left_ != kNever) {
                                self->left_ -= bytes;
                                self->proxy_.keep(self->cut_, {self->buffer_.data(), bytes});
                              }
                              asio::async_write(self->client_, asio::buffer(self->buffer_.data(), bytes),
                                                [self](const ErrorCode& failed, std::size_t) {
                                                  if (failed)
                                                    self->close();
                                                  else
                                                    self->pump();
                                                });
                            });
  }

  // The client says nothing more; that it goes is what is waited for.
  void watch_client() {
    client_.async_read_some(asio::buffer(unread_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
      if (error) self->close();
    });
  }

  void close() {
    ErrorCode error;
    client_.close(error);
    server_.close(error);
  }

  CuttingProxy& proxy_;
  Tcp::socket client_;
  Tcp::socket server_;
  std::string head_;
  std::size_t cut_ = kNever;
  std::size_t left_ = kNever;
  std::array<char, 4096> buffer_{};
  std::array<char, 1> unread_{};
};

CuttingProxy::CuttingProxy(int port)
    : acceptor_{io_, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}},
      port_{acceptor_.local_endpoint().port()},
      to_port_{port} {
  accept();
  thread_ = std::thread{[this] { io_.run(); }};
}

CuttingProxy::~CuttingProxy() {
  io_.stop();
  thread_.join();
}

std::string CuttingProxy::sent_before(std::size_t cut) const {
  const std::lock_guard lock{mutex_};
  const auto sent = sent_.find(cut);
  return sent == sent_.end() ? "" : sent->second;
}

bool CuttingProxy::is_first(std::size_t cut) {
  const std::lock_guard lock{mutex_};
  return sent_.try_emplace(cut).second;
}

void CuttingProxy::keep(std::size_t cut, std::string_view bytes) {
  const std::lock_guard lock{mutex_};
  sent_[cut] += bytes;
}

void CuttingProxy::accept() {
  acceptor_.async_accept([this](const ErrorCode& error, Tcp::socket client) {
    if (error) return;
    std::make_shared<Link>(*this, std::move(client))->start();
    accept();
  });
}

}  // namespace tailgate::ledger
