// The certificate, the key and the rules of TLS listeners.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/c_handle.h"
#include "base/error.h"

namespace tailgate {

using SslHandle = CHandle<SSL, SSL_free>;
using SslContextHandle = CHandle<SSL_CTX, SSL_CTX_free>;

struct TlsOptions {
  std::string cert_file;       // PEM, the chain behind the certificate
  std::string key_file;        // PEM
  std::string client_ca_file;  // PEM; when given, every client must show a certificate signed by one of these
  bool requires_tls13 = false;
};

// TLS 1.2 with AEAD ciphers and forward secrecy only (none that RFC 9113, appendix A lists), or 1.3; ALPN `h2` and
// `http/1.1`; resumption by tickets; no early data, no renegotiation, no compression.
// Threads: any.
class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> load(const TlsOptions& options);

  // Reads the files again. On an error (also: the new certificate has expired) what was there before goes on.
  Result<void> reload();
  // For one accepted connection, by the newest certificate.
  SslHandle make_session() const;

 private:
  TlsContext(TlsOptions options, SslContextHandle context);

  const TlsOptions options_;
  mutable std::mutex mutex_;
  SslContextHandle context_;
};

}  // namespace tailgate
