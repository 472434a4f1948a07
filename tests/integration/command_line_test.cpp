// The binary as somebody starts it: help, mistakes, and what it takes over while it runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

struct Ended {
  std::optional<int> code;
  std::string output;
};

Ended run_tailgate(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
  const TempDir folder;
  arguments.insert(arguments.begin(), TAILGATE_BINARY);
  Process process{arguments, folder / "output", environment};
  Ended ended;
  ended.code = process.wait();
  ended.output = read_file(folder / "output");
  return ended;
}

// It ends with 2 and one line that has all of `parts`.
void expect_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& parts,
                    const std::map<std::string, std::string>& environment = {}) {
  const Ended ended = run_tailgate(arguments, environment);
  EXPECT_EQ(ended.code, 2) << ended.output;
  EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 1) << ended.output;
  EXPECT_TRUE(ended.output.starts_with("tailgate: ")) << ended.output;
  for (const std::string& part : parts) EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
}

TEST(CommandLine, HelpAndVersionDoWhatPeopleExpect) {
  const Ended help = run_tailgate({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.output.find("tailgate serve"), std::string::npos);
  EXPECT_NE(help.output.find("--max-connections"), std::string::npos);
  EXPECT_EQ(run_tailgate({"serve", "--help"}).code, 0);
  const Ended version = run_tailgate({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(version.output.starts_with("tailgate ")) << version.output;
}

TEST(CommandLine, TheDocumentationOfTheSettingsIsTheBinarysOwn) {
  EXPECT_EQ(run_tailgate({"--help-markdown"}).output, read_file(TAILGATE_SOURCE_DIR "/docs/configuration.md"));
}

TEST(CommandLine, MistakesEndTheStartWithALineThatNamesThem) {
  const TempDir folder;
  const std::string file = folder / "tailgate.toml";
  write_file(file, "kafka = '127.0.0.1:1'\ntopics = ['*']\nthreads = 0\n");
  expect_refused({}, {"serve, demo or check"});
  expect_refused({"server"}, {"serve"});
  expect_refused({"serve"}, {"kafka", "must be given"});
  expect_refused({"serve", "--kafka", "127.0.0.1:1"}, {"topics", "must be given"});
  expect_refused({"demo", "--thread", "1"}, {"flag --thread", "--threads"});
  expect_refused({"demo", "--heartbeat", "15"}, {"heartbeat (flag --heartbeat)", "a duration from"});
  expect_refused({"demo"}, {"retry (variable TAILGATE_RETRY)", "a duration from"}, {{"TAILGATE_RETRY", "soon"}});
  expect_refused({"serve", "--config", file}, {"threads (" + file + " line 3)", "from 1 to 256"});
  expect_refused({"check", "--config", file}, {"threads (" + file + " line 3)"});
  expect_refused({"demo", "--listen", "https://127.0.0.1:0"}, {"listen (flag --listen)", "tls_cert"});
  expect_refused({"demo", "--librdkafka", "plugin.library.paths=/tmp/x.so"},
                 {"plugin.library.paths", "flag --librdkafka"});
  expect_refused({"demo", "--jwt-issuer", "a"}, {"flag --jwt-issuer", "unknown setting"});
}

TEST(CommandLine, CheckSaysThatAConfigurationIsGood) {
  const Ended good = run_tailgate({"check", "--kafka", "127.0.0.1:1", "--topics", "orders,public.*"});
  EXPECT_EQ(good.code, 0) << good.output;
  EXPECT_NE(good.output.find("callers are not limited"), std::string::npos) << good.output;
  const Ended limited =
      run_tailgate({"check", "--kafka", "127.0.0.1:1", "--topics", "orders", "--limit-streams", "20"});
  EXPECT_EQ(limited.code, 0) << limited.output;
  EXPECT_EQ(limited.output.find("callers are not limited"), std::string::npos) << limited.output;
  EXPECT_EQ(run_tailgate({"check", "--kafka", "127.0.0.1:1", "--topics", "a b"}).code, 2);
}

TEST(CommandLine, CheckLooksIntoTheFilesThatTheStartReads) {
  CertificateAuthority authority;
  const auto [certificate, key] = authority.issue("localhost");
  const TempDir folder;
  write_file(folder / "ca.pem", "no certificate\n");
  const auto check = [](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"check", "--kafka", "127.0.0.1:1", "--topics", "orders"});
    return flags;
  };
  EXPECT_EQ(run_tailgate(check({"--tls-cert", certificate, "--tls-key", key})).code, 0);
  expect_refused(check({"--tls-cert", key, "--tls-key", key}), {key});
  expect_refused(check({"--redis", "rediss://cache", "--redis-ca", folder / "ca.pem"}), {folder / "ca.pem"});
}

// At a hangup a server that asked for it would never hear of anything else.
TEST(CommandLine, AKeyThatIsEncryptedIsSaidAndNobodyAskedForItsPassPhrase) {
  CertificateAuthority authority;
  const auto [certificate, key] = authority.issue("localhost");
  const TempDir folder;
  run({"openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", folder / "encrypted.pem"});
  // Without a terminal what can be asked is an input that says nothing.
  const std::string input = folder / "input";
  run({"mkfifo", input});
  Process check{{"sh", "-c", "exec setsid -w \"$@\" <>" + input, "sh", TAILGATE_BINARY, "check", "--kafka",
                 "127.0.0.1:1", "--topics", "orders", "--tls-cert", certificate, "--tls-key", folder / "encrypted.pem"},
                folder / "output"};
  EXPECT_EQ(check.wait(), 2) << read_file(folder / "output");
}

TEST(CommandLine, AnAddressThatIsTakenIsSaid) {
  const TailgateProcess first{{.command = "demo"}};
  const Ended second =
      run_tailgate({"demo", "--listen", "127.0.0.1:" + std::to_string(first.port()), "--admin", "127.0.0.1:0"});
  ASSERT_TRUE(second.code);
  EXPECT_NE(*second.code, 0);
  EXPECT_NE(second.output.find(std::to_string(first.port())), std::string::npos) << second.output;
}

TEST(CommandLine, UnknownVariablesOnlyWarn) {
  TailgateProcess tailgate{
      {.command = "demo",
       .environment = {{"TAILGATE_THREAD", "1"}, {"TAILGATE_SERVICE_HOST", "10.0.0.1"}, {"TAILGATE_THREADS", "1"}}}};
  EXPECT_EQ(tailgate.stop(), 0);
  EXPECT_NE(tailgate.log().find("TAILGATE_THREAD is not a setting"), std::string::npos);
  EXPECT_EQ(tailgate.log().find("TAILGATE_SERVICE_HOST"), std::string::npos);
}

TEST(CommandLine, AHangUpTakesOverTheLevelOfTheLogAndNamesWhatNeedsARestart) {
  const TempDir folder;
  const std::string file = folder / "tailgate.toml";
  write_file(file, "threads = 1\n");
  TailgateProcess tailgate{{.command = "demo", .flags = {"--config", file}}};
  write_file(file, "threads = 2\nlog_level = 'debug'\n");
  tailgate.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return tailgate.log().find("threads has changed") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] {
    fetch({.url = tailgate.url("/topics")});
    return tailgate.log().find("request begins") != std::string::npos;
  }));
  write_file(file, "threads = 'many'\n");
  tailgate.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return tailgate.log().find("the configuration stays as it is") != std::string::npos; }));
  EXPECT_EQ(tailgate.stop(), 0);
}

TEST(CommandLine, AHangUpDuringTheStartEndsNothing) {
  TailgateProcess tailgate{{.command = "demo", .wait_until_ready = false}};
  // The log's thread is there before Kafka, and long before the listeners.
  ASSERT_TRUE(eventually([&] { return thread_names(tailgate.pid()).contains("log"); }));
  tailgate.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return tailgate.is_ready(); })) << tailgate.log();
  EXPECT_EQ(tailgate.stop(), 0);
}

TEST(CommandLine, ThreadsHaveTheNamesThatTheManualGivesThem) {
  const TailgateProcess tailgate{{.command = "demo"}};
  const auto manual = read_file(TAILGATE_SOURCE_DIR "/docs/operations.md");
  const auto has_its_name = [&](const std::string& thread) {
    // A thread has its creator's name until it runs.
    return eventually([&] { return thread_names(tailgate.pid()).contains(thread); });
  };
  for (const std::string thread :
       {"io-0", "admin-0", "accept", "reader", "history", "catalog", "offsets", "log", "samples"}) {
    EXPECT_TRUE(has_its_name(thread)) << thread;
    EXPECT_NE(manual.find("`" + thread + "`"), std::string::npos) << thread;
  }
}

TEST(CommandLine, TheLogIsJsonWhereNobodyWatches) {
  TailgateProcess tailgate{{.command = "demo"}};
  EXPECT_EQ(tailgate.stop(), 0);
  const std::string log = tailgate.log();
  EXPECT_TRUE(log.starts_with("{\"time\":\"")) << log;
  EXPECT_NE(log.find("\"level\":\"info\",\"message\":\"listening on http://"), std::string::npos) << log;
}

}  // namespace
}  // namespace tailgate::test
