// A stream as one gzip member (RFC 1952): its header, blocks that are stored, its end with a checksum.
#pragma once

#include "streams/coded_format.h"

namespace tailgate {

class GzipFormat final : public CodedFormat {
 public:
  // The same for all and for one.
  std::unique_ptr<Compressor> make_compressor(Effort effort) const override;
  std::size_t compressor_bytes() const override;
  void append_begin(std::string& out) const override;
  void append_stored(std::string& out, std::string_view plain) const override;
  void append_end(std::string& out, const CodedCheck& check) const override;
  CodedCheck::Part part_of(std::string_view plain) const override;
  void add(CodedCheck& check, std::string_view plain) const override;
  // In about 30 ns however many bytes they are.
  void add(CodedCheck& check, const CodedCheck::Part& part) const override;
};

}  // namespace tailgate
