#include "tests/simulation/client.h"

namespace tailgate::simulation {

void Client::connected() {
  line_.clear();
  if (kind_ == ClientKind::ndjson) return;
  parser_ = std::make_unique<ledger::EventStreamParser>([this](ledger::ServerEvent& event, bool is_dispatched) {
    if (!is_dispatched) event.type = "a block without data";
    id_ = event.last_event_id;
    on_block_(Block{std::move(event.type), std::move(event.data), event.last_event_id, event.id_was_last});
  });
}

void Client::receive(std::string_view bytes) {
  if (kind_ != ClientKind::ndjson) {
    parser_->feed(bytes);
    if (kind_ == ClientKind::id_line && parser_->is_behind_id_line()) id_ = parser_->id_of_last_line();
    return;
  }
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    on_line(line_);
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
}

void Client::on_line(std::string_view line) {
  constexpr std::string_view kEvent = R"({"event":")";
  constexpr std::string_view kId = R"(,"id":")";
  const bool is_control = line.starts_with(kEvent);
  Block block;
  // In a control event the id stands in front; in a record it is last, and a value may look like one.
  const auto at = is_control ? line.find(kId) : line.rfind(kId);
  if (at != std::string_view::npos) {
    const auto from = at + kId.size();
    block.id = line.substr(from, line.find('"', from) - from);
  }
  if (is_control) {
    block.event = line.substr(kEvent.size(), line.find('"', kEvent.size()) - kEvent.size());
    block.data = line;
  } else {
    block.event = "record";
    block.data = line.substr(0, at);
  }
  block.is_id_last = true;
  id_ = block.id;
  on_block_(block);
}

}  // namespace tailgate::simulation
