// Debian's Firefox ESR without a window, driven over Marionette: the socket that it opens itself.
//
// geckodriver would only translate WebDriver's HTTP to these same messages, is in no Debian package, and takes minutes
// and a newer compiler than Debian's to build. The protocol is `LENGTH:[0,number,command,parameters]` and back
// `[1,number,error,result]`.
#pragma once

#include <memory>
#include <string>

#include "tests/support/browser.h"
#include "tests/support/process.h"
#include "tests/support/raw_connection.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {

class Firefox : public Browser {
 public:
  Firefox();

  void open(const std::string& url) override;
  rapidjson::Document run(const std::string& script) override;

 private:
  std::filesystem::path make_profile() const;
  rapidjson::Document ask(const std::string& command, const std::string& parameters);
  std::string read_message();

  TempDir folder_;
  Process process_;
  std::unique_ptr<RawConnection> socket_;
  int asked_ = 0;
};

}  // namespace tailgate::test
