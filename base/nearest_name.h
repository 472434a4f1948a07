// What somebody may have meant: the known name nearest to one that is not known.
#pragma once

#include <span>
#include <string_view>

namespace tailgate {

// By edit distance in which two letters that changed places count once; the first of several. `known` is not empty.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace tailgate
