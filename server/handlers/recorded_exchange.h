// For tests: an exchange whose reply is kept to be looked at.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "server/http/exchange.h"

namespace tailgate {

class RecordedExchange final : public Exchange {
 public:
  RecordedExchange(std::string method, const std::string& target, std::vector<HeaderField> headers = {}) {
    request_.method = std::move(method);
    const std::size_t question = target.find('?');
    request_.path = target.substr(0, question);
    if (question != target.npos) request_.query = target.substr(question + 1);
    request_.headers = std::move(headers);
  }

  const Request& request() const override { return request_; }
  Loop& loop() override { return loop_; }
  ByteBudget& bodies() override { return bodies_; }
  void respond(Response response) override {
    EXPECT_FALSE(response_) << "answered twice";
    response_ = std::move(response);
  }

  Request& editable_request() { return request_; }
  bool is_answered() const { return response_.has_value(); }
  const Response& response() const {
    static const Response kNone;
    EXPECT_TRUE(response_) << "not answered";
    return response_ ? *response_ : kNone;
  }
  int status() const { return response().status; }
  const std::string& body() const { return response().body; }
  // The value of the only field of that name; "" if there is none.
  std::string field(std::string_view name) const {
    std::string value;
    int count = 0;
    for (const ResponseField& field : response().headers) {
      if (field.name == name) value = field.value.text(), ++count;
    }
    EXPECT_LE(count, 1) << name;
    return value;
  }
  // What has been posted to the loop runs.
  void run_posted() {
    loop_.context().restart();
    loop_.context().poll();
  }

 private:
  SystemClock clock_;
  IoLoop loop_{clock_, 0};
  ByteBudget bodies_{std::size_t{1} << 30};
  Request request_;
  std::optional<Response> response_;
};

}  // namespace tailgate
