#include "server/http/h2_memory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/c_handle.h"
#include "server/http/test_h2.h"

namespace tailgate {
namespace {

using Session = CHandle<nghttp2_session, nghttp2_session_del>;
using Callbacks = CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del>;

Callbacks no_callbacks() {
  nghttp2_session_callbacks* raw = nullptr;
  nghttp2_session_callbacks_new(&raw);
  return Callbacks{raw};
}

void ping(const Session& session, const std::string& text) {
  nghttp2_submit_ping(session.get(), NGHTTP2_FLAG_NONE, reinterpret_cast<const std::uint8_t*>(text.data()));
}

const std::uint8_t* next(const Session& session) {
  const std::uint8_t* data = nullptr;
  return nghttp2_session_mem_send(session.get(), &data) > 0 ? data : nullptr;
}

std::string payload(const std::uint8_t* frame) { return {reinterpret_cast<const char*>(frame) + 9, 8}; }

TEST(H2Memory, SessionsWriteTheirFramesIntoOneBuffer) {
  H2Memory memory;
  const Callbacks callbacks = no_callbacks();
  const Session first{memory.make_server(callbacks.get(), nullptr, nullptr)};
  const Session second{memory.make_server(callbacks.get(), nullptr, nullptr)};
  ping(first, "first---");
  ping(second, "second--");
  ping(first, "again---");

  const std::uint8_t* frame = next(first);
  ASSERT_NE(frame, nullptr);
  const std::uint8_t* const buffer = frame;
  EXPECT_EQ(payload(frame), "first---");
  frame = next(second);
  EXPECT_EQ(frame, buffer) << "a buffer of its own: 16 KB more of every connection";
  EXPECT_EQ(payload(frame), "second--");
  frame = next(first);
  EXPECT_EQ(payload(frame), "again---") << "what another session has written in between got in the way";
}

TEST(H2Memory, TheBufferOutlivesASession) {
  H2Memory memory;
  const Callbacks callbacks = no_callbacks();
  const Session first{memory.make_server(callbacks.get(), nullptr, nullptr)};
  Session{memory.make_server(callbacks.get(), nullptr, nullptr)}.reset();

  ping(first, "first---");

  EXPECT_EQ(payload(next(first)), "first---");
}

TEST(H2Memory, AHeaderBlockOfSeveralFramesIsItsSessionsOwnBeyondTheFirst) {
  H2Memory memory;
  const Callbacks callbacks = no_callbacks();
  const Session first{memory.make_server(callbacks.get(), nullptr, nullptr)};
  const Session second{memory.make_server(callbacks.get(), nullptr, nullptr)};
  using testing::h2::frame;
  const std::string request =
      std::string{testing::kPreface} + frame(NGHTTP2_SETTINGS, 0, 0) +
      frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, "\x82\x86\x84\x01\x04here");
  nghttp2_session_mem_recv(first.get(), reinterpret_cast<const std::uint8_t*>(request.data()), request.size());
  std::string value(40'000, '~');
  nghttp2_nv field{reinterpret_cast<std::uint8_t*>(const_cast<char*>("x")),
                   reinterpret_cast<std::uint8_t*>(value.data()), 1, value.size(), NGHTTP2_NV_FLAG_NONE};
  ASSERT_EQ(nghttp2_submit_headers(first.get(), NGHTTP2_FLAG_NONE, 1, nullptr, &field, 1, nullptr), 0);
  std::vector<std::string> frames;
  const std::uint8_t* data = nullptr;
  for (ssize_t bytes = 0; (bytes = nghttp2_session_mem_send(first.get(), &data)) > 0;) {
    frames.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(bytes));
    ping(second, "between-");
    ASSERT_NE(next(second), nullptr);
  }

  std::string block;
  for (const std::string& frame : frames) {
    if (frame[3] != NGHTTP2_SETTINGS) block += frame.substr(9);
  }
  EXPECT_NE(block.find(value), std::string::npos);
}

}  // namespace
}  // namespace tailgate
