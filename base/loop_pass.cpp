#include "base/loop_pass.h"

namespace tailgate {

void LoopPass::add(Member& member) {
  if (member.is_linked()) return;
  next_.push_back(member);
  post();
}

void LoopPass::add_behind(Member& member) {
  if (member.is_linked()) return;
  behind_.push_back(member);
  post();
}

void LoopPass::post() {
  if (is_posted_) return;
  is_posted_ = true;
  loop_.post([this] { run(); });
}

void LoopPass::run() {
  is_posted_ = false;
  if (now_.empty()) now_.swap(next_);
  for (int i = 0; i < kMembersATurn && !now_.empty(); ++i) {
    Member& member = is_backward_ ? now_.back() : now_.front();
    member.unlink();
    member.on_turn();
  }
  if (now_.empty()) is_backward_ = next_.empty();
  for (int i = 0; i < kBehindATurn && !behind_.empty(); ++i) {
    Member& member = behind_.front();
    behind_.pop_front();
    member.on_turn();
  }
  if (!now_.empty() || !next_.empty() || !behind_.empty()) post();
}

}  // namespace tailgate
