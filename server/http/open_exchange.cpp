#include "server/http/open_exchange.h"

#include <algorithm>
#include <cassert>

#include "server/http/request_rules.h"

namespace tailgate {

void OpenExchange::respond(Response response) {
  assert(!reply_);
  if (response.body.size() > kSmallAnswerBytes && !response.held) {
    response.held = ByteBudget::Share{thread_.bodies};
    if (!response.held.resize(response.body.capacity())) {
      response = thread_.handler.refusal(kNoRoom.status, kNoRoom.code, kNoRoom.detail, &request_);
    }
  }
  if (response.problem == kNoRoom.code) thread_.counters.events.add(HttpEvent::no_room);  // whoever found it
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
