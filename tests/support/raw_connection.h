// A TCP connection on which a test writes and reads exactly the bytes that it means.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/wait.h"

namespace tailgate::test {

// One answer of HTTP/1.1, its body without the framing.
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; several of one name joined with ", "
  std::string body;
};

class RawConnection {
 public:
  struct Options {
    int receive_buffer = 0;  // bytes; 0: the kernel's default. A small one makes a slow reader.
    int from = 1;            // it comes from 127.0.0.`from`
  };
  // Throws when the port refuses.
  explicit RawConnection(int port, Options options);
  explicit RawConnection(int port) : RawConnection{port, Options{}} {}
  explicit RawConnection(const std::string& unix_path);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  static bool is_open(int port);

  int fd() const { return fd_; }
  // False when the peer has closed.
  bool write(std::string_view bytes, Deadline deadline = in(kPatience));
  // What has come that no other read took. Waits for some; empty: closed by the peer, or the deadline passed.
  std::string read_some(Deadline deadline = in(kPatience));
  // Up to and with `text`; throws, with what came, when the peer closes or the deadline passes before.
  std::string read_until(std::string_view text, Deadline deadline = in(kPatience));
  std::string read_exactly(std::size_t bytes, Deadline deadline = in(kPatience));
  // All until the peer closes; throws when it does not.
  std::string read_to_end(Deadline deadline = in(kPatience));
  // Status line and headers only: what follows is the body's.
  HttpResponse read_head(Deadline deadline = in(kPatience));
  // A whole answer: by Content-Length, chunks, or the end of the connection. `to_head`: the request was HEAD.
  HttpResponse read_response(Deadline deadline = in(kPatience), bool to_head = false);
  // The next chunk of a chunked body; empty for the last one.
  std::string read_chunk(Deadline deadline = in(kPatience));
  // The peer has closed, or closes before the deadline; what still comes is thrown away.
  bool is_closed_by_peer(Deadline deadline = in(kPatience));

  void shut_down_writing();
  // RST instead of FIN.
  void reset();

 private:
  bool fill(Deadline deadline);
  int fd_ = -1;
  bool is_at_end_ = false;
  std::string buffer_;
};

}  // namespace tailgate::test
