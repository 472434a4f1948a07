#include "bench/stamp.h"

#include <array>
#include <charconv>
#include <ctime>

namespace tailgate::bench {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// Reads `literal` and the number behind it.
StampParse read_field(std::string_view& text, std::string_view literal, std::uint64_t& number) {
  if (text.size() <= literal.size())
    return literal.substr(0, text.size()) == text ? StampParse::partial : StampParse::none;
  if (text.substr(0, literal.size()) != literal) return StampParse::none;
  text.remove_prefix(literal.size());
  std::size_t digits = 0;
  number = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    number = number * 10 + static_cast<std::uint64_t>(text[digits] - '0');
    ++digits;
  }
  if (digits > 20) return StampParse::none;
  if (digits == text.size()) return StampParse::partial;
  if (digits == 0) return StampParse::none;
  text.remove_prefix(digits);
  return StampParse::found;
}

}  // namespace

std::int64_t realtime_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

StampWriter::StampWriter(std::size_t bytes, Filler filler) : bytes_{bytes} {
  std::uint32_t state = 2463534242U;
  const auto draw = [&state](std::uint32_t range) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % range;
  };
  if (filler == Filler::orders) {
    constexpr std::array<std::string_view, 4> kStates{"created", "paid", "shipped", "cancelled"};
    constexpr std::array<std::string_view, 3> kCurrencies{"EUR", "USD", "GBP"};
    step_ = bytes;
    turns_ = std::size_t{1} << 22;
    while (filler_.size() < turns_ + bytes) {
      filler_ += "order: o-" + std::to_string(draw(UINT32_MAX)) + ", customer: " + std::to_string(draw(90'000)) +
                 ", amount: " + std::to_string(draw(300)) + "." + std::to_string(10 + draw(90)) + ", currency: ";
      filler_ += kCurrencies[draw(kCurrencies.size())];
      filler_ += ", status: ";
      filler_ += kStates[draw(kStates.size())];
      filler_ += ", sku: sku-" + std::to_string(10'000 + draw(5'000)) + ", ";
    }
    return;
  }
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz 0123456789";
  while (filler_.size() < bytes * 2 + turns_) {
    filler_ += kLetters[draw(kLetters.size())];
    if (filler_.size() % 24 == 0) filler_ += " field: ";
  }
}

std::string_view StampWriter::write(const Stamp& stamp) {
  value_.assign(R"({"p":)");
  append_number(value_, stamp.partition);
  value_ += R"(,"s":)";
  append_number(value_, stamp.sequence);
  value_ += R"(,"t":)";
  append_number(value_, static_cast<std::uint64_t>(stamp.nanoseconds));
  value_ += R"(,"x":")";
  const auto room = bytes_ > value_.size() + 2 ? bytes_ - value_.size() - 2 : 0;
  turn_ = (turn_ + step_) % turns_;
  value_.append(filler_, turn_, room);
  value_ += "\"}";
  return value_;
}

StampParse parse_stamp(std::string_view text, Stamp& stamp, std::size_t& used) {
  const auto whole = text.size();
  std::uint64_t partition = 0;
  std::uint64_t nanoseconds = 0;
  if (const auto result = read_field(text, R"({"p":)", partition); result != StampParse::found) return result;
  if (const auto result = read_field(text, R"(,"s":)", stamp.sequence); result != StampParse::found) return result;
  if (const auto result = read_field(text, R"(,"t":)", nanoseconds); result != StampParse::found) return result;
  if (text.front() != ',') return StampParse::none;
  stamp.partition = static_cast<std::uint32_t>(partition);
  stamp.nanoseconds = static_cast<std::int64_t>(nanoseconds);
  used = whole - text.size();
  return StampParse::found;
}

void SequenceCheck::see(const Stamp& stamp, SequenceFaults& faults) {
  if (stamp.partition >= partitions_.size()) partitions_.resize(stamp.partition + 1);
  auto& partition = partitions_[stamp.partition];
  if (partition.next == 0) {
    partition.next = stamp.sequence + 1;
    return;
  }
  if (stamp.sequence >= partition.next) {
    const auto gap = stamp.sequence - partition.next;
    faults.lost += gap;
    if (gap >= 63) {
      partition.missing = ~std::uint64_t{1};
    } else {
      // bit 0 is the one that came, bits 1..gap those between
      partition.missing = (partition.missing << (gap + 1)) | (((std::uint64_t{1} << gap) - 1) << 1);
    }
    partition.next = stamp.sequence + 1;
    return;
  }
  const auto back = partition.next - 1 - stamp.sequence;
  const auto bit = back < 64 ? std::uint64_t{1} << back : 0;
  if ((partition.missing & bit) == 0) {
    ++faults.duplicated;
  } else {
    partition.missing &= ~bit;
    --faults.lost;
    ++faults.reordered;
  }
}

}  // namespace tailgate::bench
