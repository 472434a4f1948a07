// For tests: libcurl as a client that nobody here wrote.
#pragma once

#include <curl/curl.h>

#include <string>

#include "base/c_handle.h"

namespace tailgate::testing {

struct CurlAnswer {
  CURLcode code = CURLE_OK;
  long status = 0;
  long version = 0;  // CURL_HTTP_VERSION_…
  std::string head;
  std::string body;
};

class Curl {
 public:
  Curl() : handle_{curl_easy_init()} {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT, 20L);
    set(CURLOPT_WRITEFUNCTION, append);
    set(CURLOPT_HEADERFUNCTION, append);
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  // Goes on with the connection of the last call where it may.
  CurlAnswer get(const std::string& url) {
    CurlAnswer answer;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_WRITEDATA, &answer.body);
    set(CURLOPT_HEADERDATA, &answer.head);
    answer.code = curl_easy_perform(handle_.get());
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(handle_.get(), CURLINFO_HTTP_VERSION, &answer.version);
    return answer;
  }

  CURL* handle() { return handle_.get(); }

 private:
  static std::size_t append(const char* data, std::size_t size, std::size_t count, void* out) {
    static_cast<std::string*>(out)->append(data, size * count);
    return size * count;
  }

  CHandle<CURL, curl_easy_cleanup> handle_;
};

}  // namespace tailgate::testing
