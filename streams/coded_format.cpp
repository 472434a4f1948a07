#include "streams/coded_format.h"

#include <array>

#include "streams/gzip_format.h"
#include "streams/zstd_format.h"

namespace tailgate {

const CodedFormat& format_of(Coding coding) {
  static constexpr GzipFormat gzip;
  static constexpr ZstdFormat zstd;
  static constexpr std::array<const CodedFormat*, kCodings> formats{&gzip, &zstd};
  return *formats[index_of(coding)];
}

}  // namespace tailgate
