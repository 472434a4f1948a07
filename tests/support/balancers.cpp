#include "tests/support/balancers.h"

#include <regex>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/http_client.h"

namespace tailgate::test {

namespace {

const std::string kDeploy = std::string{TAILGATE_SOURCE_DIR} + "/deploy/";

// Fails when it is not there: a configuration that lost its line would be another one than what is said to be tested.
std::string replaced(const std::string& text, const std::string& what, const std::string& with) {
  const std::regex pattern{what, std::regex::ECMAScript | std::regex::multiline};
  if (!std::regex_search(text, pattern)) throw std::runtime_error{"no " + what + " in " + text};
  return std::regex_replace(text, pattern, with);
}

// The lines of the example in docs/operations.md whose first one is the comment `# where…`, `$` doubled for a
// replacement.
std::string documented(const std::string& where) {
  const auto page = read_file(std::string{TAILGATE_SOURCE_DIR} + "/docs/operations.md");
  const auto begin = page.find("```nginx\n# " + where);
  if (begin == page.npos) throw std::runtime_error{"no example " + where};
  const auto first = page.find('\n', begin) + 1;
  return replaced(page.substr(first, page.find("```", first) - first), "\\$", "$$$$");
}

}  // namespace

Balancer::Balancer() : port_{free_port()} {}

std::string Balancer::url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }

void Balancer::start(std::vector<std::string> command, const std::string& config) {
  write_file(folder_ / "config", config);
  command.push_back((folder_ / "config").string());
  process_ = std::make_unique<Process>(command, folder_ / "log");
  std::string reason;
  const auto answers = [&] {
    int status = 0;
    stream({.url = url("/topics")},
           {.on_head = [&](const HttpResponse& head) { status = head.status; },
            .on_body = [](std::string_view) { return true; },
            .is_cancelled = [] { return false; }},
           reason);
    return status == 200;
  };
  if (!eventually(answers)) throw std::runtime_error{"the balancer does not answer: " + reason + "\n" + log()};
}

std::unique_ptr<Balancer> Balancer::haproxy(const std::vector<Backend>& backends) {
  std::unique_ptr<Balancer> self{new Balancer};
  std::string servers;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    servers += "    server t" + std::to_string(i + 1) + " " + backends[i].host + ":" +
               std::to_string(backends[i].port) + " port " + std::to_string(backends[i].admin_port) + "\n";
  }
  auto config = read_file(kDeploy + "haproxy.cfg");
  config = replaced(config, "^    server t.*\\n(    server t.*\\n)*", servers);
  config = replaced(config, "bind :8080", "bind 127.0.0.1:" + std::to_string(self->port_));
  config = replaced(config, "/tmp/tailgate-haproxy.sock", (self->folder_ / "haproxy.sock").string());
  self->start({"haproxy", "-db", "-f"}, config);
  return self;
}

std::unique_ptr<Balancer> Balancer::nginx(const std::vector<Backend>& backends) { return nginx(backends, false); }
std::unique_ptr<Balancer> Balancer::caching_nginx(const std::vector<Backend>& backends) {
  return nginx(backends, true);
}

std::unique_ptr<Balancer> Balancer::nginx(const std::vector<Backend>& backends, bool is_caching) {
  std::unique_ptr<Balancer> self{new Balancer};
  std::string servers;
  for (const auto& backend : backends) {
    servers +=
        "        server " + backend.host + ":" + std::to_string(backend.port) + " max_fails=1 fail_timeout=2s;\n";
  }
  auto config = read_file(kDeploy + "nginx.conf");
  config = replaced(config, "^        server tailgate-.*\\n(        server tailgate-.*\\n)*", servers);
  config = replaced(config, "listen 8080;", "listen 127.0.0.1:" + std::to_string(self->port_) + ";");
  config = replaced(config, "^ *listen \\[::\\]:8080;\\n", "");
  if (is_caching) {
    config = replaced(config, "^http \\{", "http {\n" + documented("in `http`"));
    config = replaced(config, "^ *proxy_buffering off;\n *proxy_cache off;\n", documented("in `location /`"));
    config = replaced(config, "/var/cache/nginx/tailgate", (self->folder_ / "cache").string());
  }
  config = replaced(config, "/tmp/tailgate-nginx.pid", (self->folder_ / "pid").string());
  // One process: workers of a killed master would live on.
  self->start(
      {"nginx", "-e", "stderr", "-g", "daemon off; master_process off;", "-p", self->folder_.path().string(), "-c"},
      config);
  return self;
}

}  // namespace tailgate::test
