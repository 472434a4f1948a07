// GET /topics and /topics/{topic}: what there is to stream, and where its partitions begin and end.
#pragma once

#include "server/handlers/path_handler.h"
#include "streams/catalog.h"

namespace tailgate {

class TopicsHandler final : public PathHandler {
 public:
  explicit TopicsHandler(Catalog& catalog) : catalog_{catalog} {}
  void handle(Exchange& exchange) override;

 private:
  void list(Exchange& exchange, const Topics& topics) const;
  [[nodiscard]] Ask<Catalog::EndsAnswer> describe(Exchange& exchange, const Topic& topic) const;

  Catalog& catalog_;
};

}  // namespace tailgate
