// Memory that runs out ends the process, at once and by name: whoever was connected comes back by its id, here or
// elsewhere, and loses nothing. A process that went on without a part of what it does would hold its clients.
#pragma once

#include <cstddef>

namespace tailgate {

// Says so on stderr, where that takes a line without waiting, and aborts.
[[noreturn]] void end_out_of_memory();

// As in C, but that no memory is the end. For the libraries that take such functions.
void* malloc_or_end(std::size_t bytes);
void* calloc_or_end(std::size_t count, std::size_t bytes);
void* realloc_or_end(void* memory, std::size_t bytes);

// From now on that is what `new` does, and OpenSSL's allocations, when there is no memory: nobody gets to catch or to
// pass over it. Before anything uses OpenSSL.
void end_when_out_of_memory();

}  // namespace tailgate
