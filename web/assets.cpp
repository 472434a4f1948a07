#include "web/assets.h"

namespace tailgate {

const Asset* find_asset(std::string_view path) {
  for (const Asset& asset : console_assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

}  // namespace tailgate
