// For tests: certificates and keys as PEM files, made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <functional>
#include <string>

#include "base/c_handle.h"

namespace tailgate::testing {

// A key and a certificate over it, signed by itself or by another. For `localhost` and 127.0.0.1.
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& name, const TestCertificate* issuer = nullptr, long valid_seconds = 3600)
      : key_{EVP_EC_gen("P-256")}, certificate_{X509_new()} {
    X509* const raw = certificate_.get();
    X509_set_version(raw, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(raw), 1 + static_cast<long>(std::hash<std::string>{}(name) % 1'000'000));
    X509_gmtime_adj(X509_getm_notBefore(raw), -7200);
    X509_gmtime_adj(X509_getm_notAfter(raw), valid_seconds);
    X509_set_pubkey(raw, key_.get());
    X509_NAME* const subject = X509_get_subject_name(raw);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(raw, issuer != nullptr ? X509_get_subject_name(issuer->certificate_.get()) : subject);
    add_extension(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    if (issuer == nullptr) add_extension(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(raw, issuer != nullptr ? issuer->key_.get() : key_.get(), EVP_sha256());
  }

  void write(const std::string& cert_file, const std::string& key_file) const {
    const CHandle<std::FILE, std::fclose> cert{std::fopen(cert_file.c_str(), "w")};
    PEM_write_X509(cert.get(), certificate_.get());
    const CHandle<std::FILE, std::fclose> key{std::fopen(key_file.c_str(), "w")};
    PEM_write_PrivateKey(key.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }

 private:
  void add_extension(int kind, const char* value) {
    const CHandle<X509_EXTENSION, X509_EXTENSION_free> extension{X509V3_EXT_conf_nid(nullptr, nullptr, kind, value)};
    X509_add_ext(certificate_.get(), extension.get(), -1);
  }

  CHandle<EVP_PKEY, EVP_PKEY_free> key_;
  CHandle<X509, X509_free> certificate_;
};

}  // namespace tailgate::testing
