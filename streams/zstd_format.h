// A stream as Zstandard frames (RFC 8878), one behind the other: a frame begins with the stream and with every restart.
//
// Within a frame a compressed block may refer to more than the bytes before it: offsets that repeat, tables that stay.
// So whoever has other blocks in between goes on in the next frame. One frame is always open: a restart ends it.
#pragma once

#include "streams/coded_format.h"

namespace tailgate {

class ZstdFormat final : public CodedFormat {
 public:
  std::unique_ptr<Compressor> make_compressor(Effort effort) const override;
  std::size_t compressor_bytes() const override;
  void append_begin(std::string& out) const override;
  void append_stored(std::string& out, std::string_view plain) const override;
  void append_end(std::string& out, const CodedCheck& check) const override;
  // Frames have no checksum: it would be of a whole frame, and our own bytes are in the same one.
  CodedCheck::Part part_of(std::string_view) const override { return {}; }
  void add(CodedCheck&, std::string_view) const override {}
  void add(CodedCheck&, const CodedCheck::Part&) const override {}
};

}  // namespace tailgate
