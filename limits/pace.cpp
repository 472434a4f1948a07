#include "limits/pace.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tailgate {
namespace {

constexpr double kLeaseSeconds = 0.1;
// Where records are limited, a write holds few of them beyond what is left.
constexpr std::size_t kBytesARecord = 256;
constexpr std::int64_t kRepaidMs = 1'000;  // how often it is looked who has paid back

}  // namespace

// One kind of what a caller is given.
class Paces::Balance {
 public:
  Balance(Paces& paces, std::string bucket, double per_second, std::function<void()> on_more)
      : paces_{paces},
        bucket_{std::move(bucket)},
        rate_{per_second, std::max(1.0, per_second)},
        lease_{std::max<std::int64_t>(1, static_cast<std::int64_t>(per_second * kLeaseSeconds))},
        on_more_{std::move(on_more)},
        timer_{*this, [](Balance& self) { self.ask(); }} {}

  std::int64_t left() const { return left_; }
  void spend(std::uint64_t count) { left_ -= static_cast<std::int64_t>(count); }
  void ask() {
    if (asked_.is_waiting() || timer_.is_set()) return;
    const std::int64_t wanted = std::min(lease_ - left_, static_cast<std::int64_t>(rate_.burst));
    asked_ = paces_.store_.take(bucket_, rate_, wanted, [this](const TokenGrant& grant) { on_grant(grant); });
  }

 private:
  void on_grant(const TokenGrant& grant) {
    left_ += grant.granted;
    if (left_ > 0) return on_more_();
    const double missing_ms = static_cast<double>(1 - left_) * rate_.interval_us() / 1'000;
    constexpr double kMaxMs = 1'000;  // the bucket holds a second's worth
    const auto retry_ms = static_cast<double>(grant.retry_us) / 1'000;
    paces_.loop_.timers().set(timer_,
                              static_cast<std::int64_t>(std::clamp(missing_ms, retry_ms, std::max(retry_ms, kMaxMs))));
  }

  Paces& paces_;
  const std::string bucket_;
  const TokenRate rate_;
  const std::int64_t lease_;
  const std::function<void()> on_more_;
  std::int64_t left_ = 0;
  Timer timer_;
  Ask<TokenGrant> asked_;
};

struct Paces::Caller {
  using Streams = boost::intrusive::list<Stream, boost::intrusive::constant_time_size<false>>;

  Caller(Paces& paces, std::string name_in) : name{std::move(name_in)} {
    const auto on_more = [this] { wake(); };
    if (paces.rates_.records_per_second > 0) {
      records.emplace(paces, "records:" + name, paces.rates_.records_per_second, on_more);
    }
    if (paces.rates_.bytes_per_second > 0)
      bytes.emplace(paces, "bytes:" + name, paces.rates_.bytes_per_second, on_more);
  }

  bool is_in_debt() const { return (records && records->left() < 0) || (bytes && bytes->left() < 0); }
  void repay() {
    for (auto* balance : {&records, &bytes}) {
      if (*balance && (*balance)->left() < 0) (*balance)->ask();
    }
  }

  // All of them, those first who got nothing the last time.
  void wake() {
    Streams woken;
    woken.swap(hungry);
    woken.splice(woken.end(), fed);
    while (!woken.empty()) {
      Stream& stream = woken.front();
      woken.pop_front();
      stream.waker_.wake();
    }
  }

  const std::string name;
  std::size_t streams = 0;
  Streams hungry;  // wait, and have sent nothing since they waited before
  Streams fed;     // wait too
  std::optional<Balance> records;
  std::optional<Balance> bytes;
};

Paces::Paces(LimitStore& store, Loop& loop, const PaceRates& rates, LimitCounters& counters)
    : store_{store}, loop_{loop}, rates_{rates}, counters_{counters} {}

Paces::~Paces() = default;

std::unique_ptr<Paces::Stream> Paces::open(const std::string& caller, Waker& waker) {
  if (!rates_.is_limited()) return nullptr;
  auto& known = callers_[caller];
  if (!known) known = std::make_unique<Caller>(*this, caller);
  return std::make_unique<Stream>(*this, *known, waker);
}

Paces::Stream::Stream(Paces& paces, Caller& caller, Waker& waker) : paces_{paces}, caller_{caller}, waker_{waker} {
  ++caller_.streams;
}

Paces::Stream::~Stream() {
  if (is_linked()) unlink();
  if (--caller_.streams == 0) paces_.leave(caller_);
}

void Paces::leave(Caller& caller) {
  const std::string name = caller.name;
  if (!caller.is_in_debt()) {
    callers_.erase(name);
    return;
  }
  caller.repay();
  debtors_.insert(name);
  if (!repaid_timer_.is_set()) loop_.timers().set(repaid_timer_, kRepaidMs);
}

void Paces::on_repaid_due() {
  std::erase_if(debtors_, [this](const std::string& name) {
    const auto it = callers_.find(name);
    if (it == callers_.end() || it->second->streams > 0) return true;  // it has streams again: they will leave
    if (it->second->is_in_debt()) return false;
    callers_.erase(it);
    return true;
  });
  if (!debtors_.empty()) loop_.timers().set(repaid_timer_, kRepaidMs);
}

std::size_t Paces::Stream::room() {
  bool is_open = true;
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  for (auto* balance : {&caller_.records, &caller_.bytes}) {
    if (!*balance) continue;
    if ((*balance)->left() <= 0) {
      (*balance)->ask();
      is_open = false;
      continue;
    }
    const auto left = static_cast<std::size_t>((*balance)->left());
    bytes = std::min(bytes, balance == &caller_.records ? left * kBytesARecord : left);
  }
  if (is_open) return bytes;
  if (!is_linked()) {
    (std::exchange(has_spent_, false) ? caller_.fed : caller_.hungry).push_back(*this);
    paces_.counters_.waits.add();
  }
  return 0;
}

void Paces::Stream::spend(std::uint64_t records, std::uint64_t bytes) {
  has_spent_ = true;
  if (caller_.records) caller_.records->spend(records);
  if (caller_.bytes) caller_.bytes->spend(bytes);
}

}  // namespace tailgate
