// A body that came compressed: what is in it, as its reader sees it.
#pragma once

#include <memory>
#include <string_view>

#include "tests/ledger/body_reader.h"

namespace tailgate::ledger {

// `coding`: as Content-Encoding has it. Malformed is what does not decode, and a body that ends and is not whole.
std::unique_ptr<BodyReader> make_decoding_reader(std::string_view coding, std::unique_ptr<BodyReader> reader);

}  // namespace tailgate::ledger
