#include "server/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>
#include <utility>

namespace tailgate {
namespace {

constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// What ALPN chooses from, in our order (RFC 7301, 3.1: each behind its length).
constexpr std::array<unsigned char, 12> kProtocols{2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::array<unsigned char, 8> kSessionIdContext{'t', 'a', 'i', 'l', 'g', 'a', 't', 'e'};

Error failure(const std::string& what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
  ERR_clear_error();
  return Error{ErrorCode::bad_config, what + ": " + reason.data()};
}

// A client that offers protocols and none of ours is told so (RFC 7301, 3.2); one that offers none speaks HTTP/1.1.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* selected = nullptr;
  const int result =
      SSL_select_next_proto(&selected, out_size, kProtocols.data(), kProtocols.size(), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL would ask whoever has the terminal, and wait.
int no_pass_phrase(char*, int, int, void*) { return -1; }

Result<SslContextHandle> make_context(const TlsOptions& options) {
  ERR_clear_error();
  SslContextHandle context{SSL_CTX_new(TLS_server_method())};
  if (!context) return failure("TLS");
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, options.requires_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets keep the session on the client's side; a cache here would only cost memory.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_max_early_data(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, select_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(raw, no_pass_phrase);
  if (SSL_CTX_set_cipher_list(raw, kTls12Ciphers) != 1) return failure("TLS ciphers");
  if (SSL_CTX_set_session_id_context(raw, kSessionIdContext.data(), kSessionIdContext.size()) != 1)
    return failure("TLS");
  if (SSL_CTX_use_certificate_chain_file(raw, options.cert_file.c_str()) != 1) return failure(options.cert_file);
  if (SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return failure(options.key_file);
  if (SSL_CTX_check_private_key(raw) != 1) return failure(options.key_file + " is not the key of " + options.cert_file);
  if (!options.client_ca_file.empty()) {
    if (SSL_CTX_load_verify_file(raw, options.client_ca_file.c_str()) != 1) return failure(options.client_ca_file);
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.client_ca_file.c_str());
    if (names == nullptr) return failure(options.client_ca_file);
    SSL_CTX_set_client_CA_list(raw, names);  // takes them
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace

TlsContext::TlsContext(TlsOptions options, SslContextHandle context)
    : options_{std::move(options)}, context_{std::move(context)} {}

Result<std::unique_ptr<TlsContext>> TlsContext::load(const TlsOptions& options) {
  auto context = make_context(options);
  if (!context) return context.error();
  return std::unique_ptr<TlsContext>{new TlsContext{options, std::move(*context)}};
}

Result<void> TlsContext::reload() {
  auto context = make_context(options_);
  if (!context) return context.error();
  const X509* certificate = SSL_CTX_get0_certificate(context->get());
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
    return Error{ErrorCode::bad_config, options_.cert_file + " has expired"};
  }
  const std::lock_guard lock{mutex_};
  context_ = std::move(*context);  // sessions under way hold the old one
  return {};
}

SslHandle TlsContext::make_session() const {
  const std::lock_guard lock{mutex_};
  return SslHandle{SSL_new(context_.get())};
}

}  // namespace tailgate
