// A certificate authority of its own, and what it signs: PEM files in a temporary directory.
#pragma once

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.h"

namespace tailgate::test {

class CertificateAuthority {
 public:
  CertificateAuthority();

  struct Files {
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  // For a server of that name. Signed anew at each call, into the same two files.
  Files issue(const std::string& host);
  std::filesystem::path ca_file() const { return folder_ / "ca.pem"; }

 private:
  TempDir folder_;
};

}  // namespace tailgate::test
