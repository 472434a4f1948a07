#include "tests/ledger/decoding_reader.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "streams/scripted/decoder.h"

namespace tailgate::ledger {

namespace {

class DecodingReader final : public BodyReader {
 public:
  DecodingReader(Coding coding, std::unique_ptr<BodyReader> reader)
      : decoder_{scripted::make_decoder(coding)}, reader_{std::move(reader)} {}

  void feed(std::string_view bytes, std::vector<Seen>& seen) override {
    const bool was_broken = decoder_->is_broken();
    reader_->feed(decoder_->read(bytes), seen);
    if (decoder_->is_broken() && !was_broken) complain("compressed bytes that do not decode", seen);
  }
  void finish(std::vector<Seen>& seen) override {
    if (!decoder_->is_whole()) complain("a compressed body that ends before its end", seen);
    reader_->finish(seen);
  }
  std::string last_id() const override { return reader_->last_id(); }
  bool is_inside_event() const override { return reader_->is_inside_event(); }
  bool is_behind_id_line() const override { return reader_->is_behind_id_line(); }

 private:
  static void complain(std::string why, std::vector<Seen>& seen) {
    seen.emplace_back();
    seen.back().kind = Seen::Kind::malformed;
    seen.back().bytes = std::move(why);
  }

  std::unique_ptr<scripted::Decoder> decoder_;
  std::unique_ptr<BodyReader> reader_;
};

}  // namespace

std::unique_ptr<BodyReader> make_decoding_reader(std::string_view coding, std::unique_ptr<BodyReader> reader) {
  const auto it = std::ranges::find(kCodingNames, coding);
  assert(it != kCodingNames.end());  // nobody asks for another one
  return std::make_unique<DecodingReader>(static_cast<Coding>(it - kCodingNames.begin()), std::move(reader));
}

}  // namespace tailgate::ledger
