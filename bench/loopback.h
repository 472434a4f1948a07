// Sockets of this machine alone, for the servers that are measured against.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string_view>

namespace tailgate::bench {

// What a stream begins with.
inline constexpr std::string_view kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

sockaddr_in loopback_address(std::uint16_t port);

// Ends the program with a line that says why where it cannot. `flags`: as of socket(), besides SOCK_CLOEXEC.
int listen_on_loopback(std::uint16_t port, int flags = 0);

}  // namespace tailgate::bench
