#include "tests/support/certificates.h"

#include <vector>

#include "tests/support/process.h"

namespace tailgate::test {
namespace {

const std::vector<std::string> kRequest{
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2", "-nodes"};

}  // namespace

CertificateAuthority::CertificateAuthority() {
  auto command = kRequest;
  command.insert(command.end(), {"-subj", "/CN=tailgate test CA", "-keyout", folder_ / "ca.key", "-out", ca_file()});
  run(command);
}

CertificateAuthority::Files CertificateAuthority::issue(const std::string& host) {
  Files files{folder_ / (host + ".pem"), folder_ / (host + ".key")};
  auto command = kRequest;
  command.insert(command.end(), {"-CA", ca_file(), "-CAkey", folder_ / "ca.key", "-subj", "/CN=" + host, "-addext",
                                 "subjectAltName=DNS:" + host, "-addext", "basicConstraints=critical,CA:FALSE",
                                 "-keyout", files.key, "-out", files.certificate});
  run(command);
  return files;
}

}  // namespace tailgate::test
