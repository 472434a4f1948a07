// /cursors and /cursors/{name}: positions with a name.
#pragma once

#include <utility>
#include <vector>

#include "server/handlers/cursor_commits.h"
#include "server/handlers/path_handler.h"
#include "streams/catalog.h"

namespace tailgate {

inline constexpr int kRetryAfterRedisS = 2;

// Why a cursor cannot be had or moved, as clients get it.
Response make_cursor_problem(const CursorError& error);

class CursorsHandler final : public PathHandler {
 public:
  // `commits`: by loop.
  CursorsHandler(std::vector<CursorCommits*> commits, Catalog& catalog)
      : commits_{std::move(commits)}, catalog_{catalog} {}
  void handle(Exchange& exchange) override;
  std::string_view methods(std::string_view path) const override;

 private:
  const std::vector<CursorCommits*> commits_;
  Catalog& catalog_;
};

}  // namespace tailgate
