#include "base/redis_wire.h"

#include <utility>

#include "base/out_of_memory.h"

namespace tailgate {
namespace {

// Where the reply of a task goes: into its place in the array around it, or into an object of its own.
RedisReply* place_of(const redisReadTask* task) {
  if (task->parent == nullptr) return new RedisReply;
  auto* const around = static_cast<RedisReply*>(task->parent->obj);
  return &around->items[static_cast<std::size_t>(task->idx)];
}

void* create_text(const redisReadTask* task, char* text, std::size_t size) {
  RedisReply* const reply = place_of(task);
  reply->kind = task->type == REDIS_REPLY_ERROR ? RedisReply::Kind::error : RedisReply::Kind::text;
  reply->text.assign(text, size);
  return reply;
}

void* create_array(const redisReadTask* task, int items) {
  if (static_cast<std::size_t>(items) > kRedisReplyItemsMax) return nullptr;  // the reader gives up
  RedisReply* const reply = place_of(task);
  reply->kind = RedisReply::Kind::array;
  reply->items.resize(static_cast<std::size_t>(items));
  return reply;
}

void* create_integer(const redisReadTask* task, long long value) {
  RedisReply* const reply = place_of(task);
  reply->kind = RedisReply::Kind::integer;
  reply->integer = value;
  return reply;
}

void* create_nil(const redisReadTask* task) { return place_of(task); }

// Called for whole replies only, never for one within an array.
void free_reply(void* reply) { delete static_cast<RedisReply*>(reply); }

redisReplyObjectFunctions kFunctions{create_text, create_array, create_integer, create_nil, free_reply};

Error broken(std::string detail) { return {ErrorCode::upstream_down, std::move(detail)}; }

}  // namespace

void append_redis_header(std::string& out, std::size_t words) {
  out.append(1, '*').append(std::to_string(words)).append("\r\n");
}

void append_redis_word(std::string& out, std::string_view word) {
  out.append(1, '$').append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
}

void append_redis_command(std::string& out, std::initializer_list<std::string_view> words) {
  append_redis_header(out, words.size());
  for (const std::string_view word : words) append_redis_word(out, word);
}

RedisReplyReader::RedisReplyReader() : reader_{redisReaderCreateWithFunctions(&kFunctions)} {
  if (!reader_) end_out_of_memory();
}

void RedisReplyReader::feed(std::string_view bytes) {
  pending_bytes_ += bytes.size();
  // What goes wrong is kept in the reader and told by the next redisReaderGetReply.
  (void)redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

Result<std::optional<RedisReply>> RedisReplyReader::next() {
  void* found = nullptr;
  if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
    return broken(std::string{"not a reply of Redis: "} + redisReaderGetError(reader_.get()));
  }
  if (found == nullptr) {
    if (pending_bytes_ > kRedisReplyBytesMax) return broken("a reply of more than 1 MiB");
    return std::optional<RedisReply>{};
  }
  // What is left in the buffer belongs to the replies behind this one.
  pending_bytes_ = reader_->len - reader_->pos;
  const std::unique_ptr<RedisReply> reply{static_cast<RedisReply*>(found)};
  return std::optional{std::move(*reply)};
}

}  // namespace tailgate
