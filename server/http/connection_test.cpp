#include "server/http/connection.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "server/http/memory_connection.h"
#include "server/http/test_server.h"
#include "server/http/test_socket.h"

namespace tailgate::testing {
namespace {

// Who has news, and how much had been sent to the connection beside it when its turn came.
class Other final : public LoopPass::Member {
 public:
  explicit Other(const MemoryPeer& peer) : peer_{peer} {}
  void on_turn() override { written_before = peer_.written.size(); }

  std::size_t written_before = 0;

 private:
  const MemoryPeer& peer_;
};

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n"; }

TEST(Connection, WhoHasNewsComesBeforeWhoHasHadItsTurnAndHasMore) {
  MemoryConnection connection;
  connection.peer.to_read = get("/endless");
  while (connection.peer.written.empty()) connection.run(1);
  const std::size_t written = connection.peer.written.size();
  ASSERT_GE(written, kTurnBytes);
  Other other{connection.peer};
  connection.thread.pass.add(other);

  while (other.written_before == 0) ASSERT_TRUE(connection.loop.turn());

  EXPECT_EQ(other.written_before, written);
  while (connection.peer.written.size() == written) ASSERT_TRUE(connection.loop.turn());
}

TEST(Connection, WhoHasNewsComesBeforeWhoWasBlocked) {
  MemoryConnection connection;
  connection.peer.window = 1'000;
  connection.peer.to_read = get("/endless");
  while (!connection.peer.waits_writable) connection.run(1);
  connection.loop.run();
  connection.peer.window = 100'000'000;
  ASSERT_TRUE(connection.peer.turn());  // it may write again
  Other other{connection.peer};
  connection.thread.pass.add(other);

  while (other.written_before == 0) ASSERT_TRUE(connection.loop.turn());

  EXPECT_EQ(other.written_before, 1'000U);
  while (connection.peer.written.size() == 1'000) ASSERT_TRUE(connection.loop.turn());
}

// A client that waits to be accepted when the server is told to stop.
TEST(HttpServer, WaitsForConnectionsThatAreHandedOutAndNotMadeYet) {
  for (int i = 0; i < 20; ++i) {
    TestServer server;
    TestSocket client{server.port()};
    client.send(get("/hello"));
    server.acceptor().stop();
    server.server().drain();
    const bool has_closed = server.server().wait_closed(std::chrono::seconds{30});
    EXPECT_TRUE(has_closed);
    EXPECT_EQ(server.handler.handled, 1) << "closed without an answer, attempt " << i;
  }
}

}  // namespace
}  // namespace tailgate::testing
