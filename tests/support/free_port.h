// A TCP port on which nobody listens and that no other test process will be given while this one runs.
//
// A server that is killed and started again keeps its port: it stays reserved for the life of this process, and lies
// below the range that the kernel gives to outgoing connections.
#pragma once

namespace tailgate::test {

int free_port();

}  // namespace tailgate::test
