#include "tests/support/http_client.h"

#include <curl/curl.h>

#include <cctype>
#include <stdexcept>

#include "base/c_handle.h"

namespace tailgate::test {
namespace {

struct Transfer {
  const StreamCallbacks& callbacks;
  HttpResponse head;
  bool has_head = false;
};

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* user) {
  auto& head = static_cast<Transfer*>(user)->head;
  const std::string_view line{bytes, count};
  if (line.starts_with("HTTP/")) {
    head = {};
    head.status = std::stoi(std::string{line.substr(line.find(' ') + 1, 3)});
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    std::string name{line.substr(0, colon)};
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
    auto& known = head.headers[name];
    known += (known.empty() ? "" : ", ") + std::string{value};
  } else if (line == "\r\n" && head.status >= 200) {
    auto* transfer = static_cast<Transfer*>(user);
    transfer->has_head = true;
    if (transfer->callbacks.on_head) transfer->callbacks.on_head(head);
  }
  return count;
}

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  return transfer->callbacks.on_body({bytes, count}) ? count : 0;
}

int look_whether_cancelled(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& is_cancelled = static_cast<Transfer*>(user)->callbacks.is_cancelled;
  return is_cancelled && is_cancelled() ? 1 : 0;
}

long curl_version(HttpVersion version) {
  switch (version) {
    case HttpVersion::h2c:
      return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    case HttpVersion::h2:
      return CURL_HTTP_VERSION_2TLS;
    case HttpVersion::h1:
    case HttpVersion::h1_tls:
      break;
  }
  return CURL_HTTP_VERSION_1_1;
}

}  // namespace

bool stream(const HttpRequest& request, const StreamCallbacks& callbacks, std::string& reason) {
  Transfer transfer{callbacks, {}, false};
  const CHandle<CURL, curl_easy_cleanup> easy{curl_easy_init()};
  CHandle<curl_slist, curl_slist_free_all> headers;
  for (const auto& header : request.headers) {
    auto* longer = curl_slist_append(headers.get(), header.c_str());
    static_cast<void>(headers.release());  // is the head of the longer one now
    headers.reset(longer);
  }
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTP_VERSION, curl_version(request.version));
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (!request.body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, look_whether_cancelled);
  set(CURLOPT_XFERINFODATA, &transfer);
  const auto code = curl_easy_perform(easy.get());
  reason = curl_easy_strerror(code);
  return code == CURLE_OK;
}

HttpResponse fetch(const HttpRequest& request, std::chrono::milliseconds timeout) {
  HttpResponse response;
  std::string body;
  std::string reason;
  const auto deadline = in(timeout);
  const StreamCallbacks callbacks{
      [&](const HttpResponse& head) { response = head; },
      [&](std::string_view bytes) {
        body += bytes;
        return true;
      },
      [&] { return Clock::now() > deadline; },
  };
  if (!stream(request, callbacks, reason)) throw std::runtime_error(request.url + ": " + reason);
  response.body = std::move(body);
  return response;
}

}  // namespace tailgate::test
