#include "tests/simulation/client.h"

#include <vector>

#include "cursors/id.h"
#include "tests/ledger/json_slices.h"

namespace tailgate::simulation {

void Client::connected(const Position& from) {
  line_.clear();
  at_ = from;
  if (kind_ == ClientKind::ndjson || kind_ == ClientKind::long_poll) return;
  parser_ = std::make_unique<ledger::EventStreamParser>([this](ledger::ServerEvent& event, bool is_dispatched) {
    if (!is_dispatched) event.type = "a block without data";
    id_ = event.last_event_id;
    on_block_(Block{std::move(event.type), std::move(event.data), event.last_event_id, event.id_was_last});
  });
}

void Client::receive(std::string_view bytes) {
  if (parser_) {
    parser_->feed(bytes);
    if (kind_ == ClientKind::id_line && parser_->is_behind_id_line()) id_ = parser_->id_of_last_line();
    return;
  }
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    if (kind_ == ClientKind::ndjson) {
      on_line(line_);
    } else {
      on_answer(line_);
    }
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

// An answer as the stream that it stands for: each record and event with the position behind it.
void Client::on_answer(std::string_view answer) {
  const auto members = ledger::json_members(answer);
  if (!members) return on_block_(Block{"an answer that is no JSON", std::string{answer}, "", true});
  const auto records = ledger::json_elements(ledger::json_member(*members, "records")).value();
  const std::string_view told = ledger::json_member(*members, "events");
  const auto events = told.empty() ? std::vector<std::string_view>{} : ledger::json_elements(told).value();
  const std::string next = ledger::json_string(ledger::json_member(*members, "next")).value();
  on_block_(Block{"position", "", format_id(at_, IdForm::topics), true});
  std::size_t event = 0;
  for (std::size_t i = 0; i <= records.size(); ++i) {
    for (; event < events.size(); ++event) {
      const auto before = ledger::json_integer(ledger::json_member(*ledger::json_members(events[event]), "before"));
      if (before != static_cast<std::int64_t>(i)) break;
      on_answer_event(events[event], next);
    }
    if (i == records.size()) break;
    const auto record = ledger::json_members(records[i]).value();
    const auto topic = ledger::json_string(ledger::json_member(record, "topic")).value();
    const auto partition = ledger::json_integer(ledger::json_member(record, "partition")).value();
    at_[topic][static_cast<std::int32_t>(partition)] =
        ledger::json_integer(ledger::json_member(record, "offset")).value();
    // As in NDJSON: without what closes it, which stands behind the id there.
    on_block_(Block{"record", std::string{records[i].substr(0, records[i].size() - 1)}, format_id(at_, IdForm::topics),
                    true});
  }
  if (event != events.size()) on_block_(Block{"an event that stands nowhere", std::string{told}, "", true});
  id_ = next;
  const bool is_end = ledger::json_member(*members, "end") == "true";
  if (is_end) on_block_(Block{"end", R"({"reason":"until"})", next + "!", true});
  const bool is_fault = told.find(R"({"event":"fault")") != std::string_view::npos;
  if (!is_end && !is_fault) on_block_(Block{"position", "", next, true});
}

void Client::on_answer_event(std::string_view event, const std::string& next) {
  const auto members = ledger::json_members(event).value();
  const auto integer = [&members](std::string_view name) {
    return ledger::json_integer(ledger::json_member(members, name)).value_or(0);
  };
  const auto name = ledger::json_string(ledger::json_member(members, "event")).value();
  const auto topic = ledger::json_string(ledger::json_member(members, "topic")).value_or("");
  if (name == "fault") return on_block_(Block{name, std::string{event}, next, true});
  at_[topic][static_cast<std::int32_t>(integer("partition"))] = name == "gap" ? integer("to") : integer("from") - 1;
  on_block_(Block{name, std::string{event}, format_id(at_, IdForm::topics), true});
}

}  // namespace tailgate::simulation
