// The exchange from both of its ends: the handler's side while it is asked, the body's while it is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/http/access_line.h"
#include "server/http/exchange.h"
#include "server/http/http_thread.h"

namespace tailgate {

// A request that a handler has. The reply is only noted here; the session acts on it from its own code.
class OpenExchange final : public Exchange {
 public:
  class Owner {
   public:
    virtual void on_reply() = 0;

   protected:
    ~Owner() = default;
  };

  OpenExchange(HttpThread& thread, Owner& owner, Request&& request)
      : thread_{thread}, owner_{owner}, request_{std::move(request)} {}

  const Request& request() const override { return request_; }
  Loop& loop() override { return thread_.loop; }
  ByteBudget& bodies() override { return thread_.bodies; }
  void respond(Response response) override;
  bool has_reply() const { return reply_.has_value(); }
  Response take_reply() { return std::move(*reply_); }

 private:
  HttpThread& thread_;
  Owner& owner_;
  Request request_;
  std::optional<Response> reply_;
};

// A body that is there in full.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(Response&& response) : body_{std::move(response.body)}, held_{std::move(response.held)} {}
  Pull prepare(std::size_t bytes_max) override;
  void emit(std::size_t bytes, ByteSink& sink) override;
  void set_waker(Waker&) override {}

 private:
  std::string body_;
  ByteBudget::Share held_;
  std::size_t sent_ = 0;
};

}  // namespace tailgate
