// Cursors in Redis: one hash each, shared by all replicas.
//
// Keys: PREFIX:cursor:{PRINCIPAL:NAME}, and PREFIX:cursors:{PRINCIPAL:}, the index of a principal (cursor_scripts.h).
// Principal and name are percent-encoded, so neither can leave its place or move the tag (C7).
#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "base/redis.h"
#include "cursors/cursor_store.h"

namespace tailgate {

class RedisCursors final : public CursorStore {
 public:
  // `replicas` have to confirm a move, which goes over `confirming`: what is sent behind it waits as long. The links
  // and `loop` outlive it.
  RedisCursors(RedisLink& link, RedisLink& confirming, Loop& loop, std::string prefix, CursorOptions options,
               int replicas);
  ~RedisCursors() override;

  Ask<CursorAnswer> read(const CursorKey& key, Then then) override;
  Ask<CursorAnswer> move(const CursorKey& key, CursorMove move, Then then) override;
  Ask<CursorAnswer> erase(const CursorKey& key, Then then) override;
  Ask<CursorAnswer> find_room(const CursorKey& key, Then then) override;

  std::string key_of(const CursorKey& key) const;
  std::string index_of(const std::string& principal) const;

 private:
  class Work;  // one thing that was asked for, through all its calls

  Ask<CursorAnswer> start(const CursorKey& key, Then then, const std::function<void(Work&)>& first);

  RedisLink& link_;
  RedisLink& confirming_;
  Loop& loop_;
  const std::string prefix_;
  const CursorOptions options_;
  const int replicas_;
  std::list<Work> works_;
};

}  // namespace tailgate
