// A TCP proxy that cuts the first connection of each asker after an exact number of bytes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace tailgate::ledger {

// A request whose target has "_cut=N" (a parameter that the server passes over) gets N bytes of the answer, head and
// all, and then the end of the connection; asked with the same N again, it gets everything.
class CuttingProxy {
 public:
  // To 127.0.0.1:`port`.
  explicit CuttingProxy(int port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  int port() const { return port_; }
  // What came through of the answer that was cut after `cut` bytes; "" before there was one. From any thread.
  std::string sent_before(std::size_t cut) const;

 private:
  class Link;
  void accept();
  bool is_first(std::size_t cut);
  void keep(std::size_t cut, std::string_view bytes);

  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  int port_;
  int to_port_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::string> sent_;  // by the cut; under mutex_
  std::thread thread_;
};

}  // namespace tailgate::ledger
