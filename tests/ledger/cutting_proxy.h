// A TCP proxy that cuts the first connection of each asker after an exact number of bytes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <set>
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

 private:
  class Link;
  void accept();

  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  int port_;
  int to_port_;
  std::set<std::size_t> cuts_made_;
  std::thread thread_;
};

}  // namespace tailgate::ledger
