// The value of a response's field: text of its own, or text that lives as long as the process, which costs nothing.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tailgate {

class FieldValue {
 public:
  FieldValue(std::string text) : text_{std::move(text)} {}
  FieldValue(const char* text) : text_{std::string{text}} {}
  // Of ours: it lives as long as the process and is a legal value.
  static FieldValue constant(std::string_view text) { return FieldValue{text}; }

  bool is_constant() const { return std::holds_alternative<std::string_view>(text_); }
  std::string_view text() const {
    const auto* constant = std::get_if<std::string_view>(&text_);
    return constant != nullptr ? *constant : std::string_view{*std::get_if<std::string>(&text_)};
  }

 private:
  explicit FieldValue(std::string_view constant) : text_{constant} {}

  std::variant<std::string, std::string_view> text_;
};

}  // namespace tailgate
