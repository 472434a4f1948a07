#include "base/out_of_memory.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <cstdlib>
#include <new>
#include <string_view>

namespace tailgate {
namespace {

constexpr std::string_view kLine = "tailgate: out of memory, and so at its end\n";

void* checked(void* memory, std::size_t bytes) {
  if (memory == nullptr && bytes > 0) end_out_of_memory();
  return memory;
}

void* openssl_malloc(std::size_t bytes, const char*, int) { return malloc_or_end(bytes); }
void* openssl_realloc(void* memory, std::size_t bytes, const char*, int) { return realloc_or_end(memory, bytes); }
void openssl_free(void* memory, const char*, int) { std::free(memory); }

}  // namespace

void end_out_of_memory() {
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  if (poll(&out, 1, 0) == 1) [[maybe_unused]]
    const ssize_t written = write(STDERR_FILENO, kLine.data(), kLine.size());
  std::abort();
}

void* malloc_or_end(std::size_t bytes) { return checked(std::malloc(bytes), bytes); }
void* calloc_or_end(std::size_t count, std::size_t bytes) { return checked(std::calloc(count, bytes), count * bytes); }
void* realloc_or_end(void* memory, std::size_t bytes) { return checked(std::realloc(memory, bytes), bytes); }

void end_when_out_of_memory() {
  std::set_new_handler(end_out_of_memory);
  [[maybe_unused]] const int is_set = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
  assert(is_set == 1);  // refused only to who comes too late
}

}  // namespace tailgate
