#include "base/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cassert>

namespace tailgate {

namespace {

std::string hex_of(std::string_view text, const EVP_MD* method) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, method, nullptr);
  assert(done == 1);
  (void)done;
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 0xF];
  }
  return hex;
}

}  // namespace

std::string sha1_hex(std::string_view text) { return hex_of(text, EVP_sha1()); }
std::string sha256_hex(std::string_view text) { return hex_of(text, EVP_sha256()); }

}  // namespace tailgate
