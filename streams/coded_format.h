// What differs between codings: what compresses, and how a stream begins, goes on uncompressed and ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "streams/coding.h"
#include "streams/compressor.h"

namespace tailgate {

// The checksum and size of what a stream holds, by which clients know that they have all of it. Stays empty where a
// coding has none.
struct CodedCheck {
  // Of bytes that many streams hold: computed once.
  struct Part {
    std::uint32_t crc = 0;
    std::uint32_t bytes = 0;
    std::uint32_t shift = 0;  // zlib's, of the length
  };
  std::uint32_t crc = 0;
  std::uint32_t bytes = 0;  // modulo 2^32
};

// How much work bytes are worth: what is compressed once for all, or anew for each stream.
enum class Effort : std::uint8_t { for_all, for_one };

class CodedFormat {
 public:
  virtual std::unique_ptr<Compressor> make_compressor(Effort effort) const = 0;
  // What one for all costs, about.
  virtual std::size_t compressor_bytes() const = 0;

  // Each appends whole bytes. Behind a beginning may come stored bytes and pieces of a compressor, the first of them
  // one behind a restart; behind stored bytes the same.
  virtual void append_begin(std::string& out) const = 0;
  virtual void append_stored(std::string& out, std::string_view plain) const = 0;
  virtual void append_end(std::string& out, const CodedCheck& check) const = 0;

  virtual CodedCheck::Part part_of(std::string_view plain) const = 0;
  virtual void add(CodedCheck& check, std::string_view plain) const = 0;
  virtual void add(CodedCheck& check, const CodedCheck::Part& part) const = 0;

 protected:
  ~CodedFormat() = default;  // nobody owns one
};

// Lives as long as the program.
const CodedFormat& format_of(Coding coding);

}  // namespace tailgate
