#include "server/http/open_exchange.h"

#include <algorithm>
#include <cassert>

namespace tailgate {

void OpenExchange::respond(Response response) {
  assert(!reply_);
  reply_.emplace(std::move(response));
  owner_.on_reply();
}

Pull StringSource::prepare(std::size_t bytes_max) {
  const std::size_t bytes = std::min(bytes_max, body_.size() - sent_);
  return {bytes == 0 ? Pull::State::end : Pull::State::ready, bytes};
}

void StringSource::emit(std::size_t bytes, ByteSink& sink) {
  sink.ref(std::string_view{body_}.substr(sent_, bytes));
  sent_ += bytes;
}

}  // namespace tailgate
