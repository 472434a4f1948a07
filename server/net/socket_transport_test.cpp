#include "server/net/socket_transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tailgate {
namespace {

class CountingUser final : public Transport::User {
 public:
  void on_readable() override {
    ++readable;
    if (then) then();
  }
  void on_writable() override { ++writable; }

  int readable = 0;
  int writable = 0;
  std::function<void()> then;  // after each on_readable
};

// One socket, its transport and whom it tells.
struct End {
  explicit End(SocketEvents& events, bool has_proxy_header = false) {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    peer = Fd{pair[0]};
    transport = SocketTransport::make(events, Fd{pair[1]}, has_proxy_header);
    transport->set_user(user);
  }
  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void end() const { EXPECT_EQ(::shutdown(peer.get(), SHUT_WR), 0); }
  // What one read gives that has room for `bytes_max`.
  std::string read(std::size_t bytes_max = 100) const {
    std::string into(bytes_max, '\0');
    const IoResult result = transport->read(into);
    if (result.state == IoResult::State::closed) return "(end)";
    if (result.state == IoResult::State::blocked) return "(blocked)";
    into.resize(result.bytes);
    return into;
  }

  Fd peer;
  std::unique_ptr<SocketTransport> transport;
  CountingUser user;
};

class SocketTransportTest : public ::testing::Test {
 protected:
  // All that is due now, and no more than that.
  void run() {
    for (int turns = 0; turns < 100; ++turns) {
      context_.restart();
      if (context_.poll() == 0) return;
    }
    ADD_FAILURE() << "there is always something due";
  }

  boost::asio::io_context context_;
  SocketEvents events_{context_};
};

TEST_F(SocketTransportTest, WhoWaitsIsToldOnceOfWhatHasCome) {
  End end{events_};
  end.transport->wait_readable();
  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.user.readable, 0);

  end.send("one");
  run();
  EXPECT_EQ(end.user.readable, 1);
  EXPECT_EQ(end.read(), "one");
  run();
  EXPECT_EQ(end.user.readable, 1);
}

TEST_F(SocketTransportTest, WhatComesAfterAReadIsToldAnew) {
  End end{events_};
  end.transport->wait_readable();
  end.send("one");
  run();
  EXPECT_EQ(end.read(), "one");

  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.user.readable, 1);
  end.send("two");
  run();

  EXPECT_EQ(end.user.readable, 2);
  EXPECT_EQ(end.read(), "two");
}

TEST_F(SocketTransportTest, WhatAReadHadNoRoomForIsToldAgain) {
  End end{events_};
  end.transport->wait_readable();
  end.send("onetwo");
  run();
  EXPECT_EQ(end.read(3), "one");

  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.user.readable, 2);
  EXPECT_EQ(end.read(3), "two");

  // It was just enough: nothing has come, and that is found out only once.
  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.user.readable, 3);
  EXPECT_EQ(end.read(3), "(blocked)");
  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.user.readable, 3);
}

TEST_F(SocketTransportTest, WhatComesWhileNobodyWaitsIsToldToWhoWaitsLater) {
  End end{events_};
  end.send("one");
  run();
  EXPECT_EQ(end.user.readable, 0);

  end.transport->wait_readable();
  run();

  EXPECT_EQ(end.user.readable, 1);
}

TEST_F(SocketTransportTest, AnEndThatCameWithTheLastBytesIsToldAfterThem) {
  End end{events_};
  end.transport->wait_readable();
  end.send("one");
  end.end();
  run();
  EXPECT_EQ(end.read(), "one");

  end.transport->wait_readable();
  run();

  EXPECT_EQ(end.user.readable, 2);
  EXPECT_EQ(end.read(), "(end)");
}

TEST_F(SocketTransportTest, WhoFoundTheSocketFullIsToldEachTimeThatThereIsRoom) {
  End end{events_};
  const std::string bytes(1 << 20, 'x');
  std::string drain(bytes.size(), '\0');
  for (int times = 1; times <= 2; ++times) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    IoResult result;
    do result = end.transport->write({&piece, 1});
    while (result.state == IoResult::State::done && result.bytes == bytes.size());
    end.transport->wait_writable();
    run();
    EXPECT_EQ(end.user.writable, times - 1);

    while (::recv(end.peer.get(), drain.data(), drain.size(), MSG_DONTWAIT) > 0) {
    }
    run();
    EXPECT_EQ(end.user.writable, times);
  }
}

TEST_F(SocketTransportTest, OneThatAnotherDestroysInTheSameTurnIsNotTold) {
  End one{events_};
  End two{events_};
  one.user.then = [&two] { two.transport.reset(); };
  two.user.then = [&one] { one.transport.reset(); };
  one.transport->wait_readable();
  two.transport->wait_readable();
  one.send("one");
  two.send("two");

  run();

  EXPECT_EQ(one.user.readable + two.user.readable, 1);
}

TEST_F(SocketTransportTest, OneThatDestroysItselfWhenItIsToldOfInputIsNotToldOfRoom) {
  End end{events_};
  end.user.then = [&end] { end.transport.reset(); };
  end.transport->wait_readable();
  end.transport->wait_writable();
  end.send("one");

  run();

  EXPECT_EQ(end.user.readable, 1);
  EXPECT_EQ(end.user.writable, 0);
}

TEST_F(SocketTransportTest, AProxyHeaderOfWhichAPartHasComeIsWaitedFor) {
  End end{events_, /*has_proxy_header=*/true};
  end.user.then = [&end] { (void)end.transport->handshake(); };
  EXPECT_EQ(end.transport->handshake().state, IoResult::State::blocked);
  end.send("PROXY TCP4 192.0.2.1 ");
  run();
  EXPECT_EQ(end.user.readable, 1);

  end.send("192.0.2.2 1 2\r\nGET");
  run();

  EXPECT_EQ(end.user.readable, 2);
  EXPECT_TRUE(end.transport->announced());
  end.user.then = nullptr;
  end.transport->wait_readable();
  run();
  EXPECT_EQ(end.read(), "GET");
}

}  // namespace
}  // namespace tailgate
