#include "server/settings_text.h"

#include <algorithm>
#include <string_view>

#include "server/settings.h"

namespace tailgate {
namespace {

constexpr std::string_view kUsage = R"(tailgate streams Kafka topics to browsers, curl and anything that speaks HTTP.

Usage:
  tailgate serve [flags]   run the server
  tailgate demo [flags]    run it on an embedded Kafka with sample topics, everything in memory
  tailgate check [flags]   read the configuration as serve would and say what is wrong with it
  tailgate --help          this text
  tailgate --version       the version

A setting can be given in the TOML file (--config FILE), in the environment (TAILGATE_ and its name in capitals), and as a
flag; the later one wins. Lists are separated by commas. Durations look like 250ms, 15s, 30d; sizes like 64KiB, 256MiB.

Flags:
)";

constexpr std::string_view kMarkdownHead = R"(# Configuration

A setting can be given in three ways; the later one wins:

1. the TOML file: `tailgate serve --config tailgate.toml` (or the variable `TAILGATE_CONFIG`), keys as in the table,
2. the environment: `TAILGATE_` and the name in capitals, `TAILGATE_MAX_CONNECTIONS=5000`; an empty variable counts as not given,
3. the flag: `--` and the name with dashes, `--max-connections 5000`.

Lists are arrays in the file and separated by commas elsewhere; a flag may also be repeated. Durations are a whole number and `ms`, `s`,
`m`, `h` or `d`; sizes a whole number and nothing, `B`, `KiB`, `MiB` or `GiB`; switches `on` or `off`.

An unknown key or flag, a value out of range or a contradiction ends the start (exit 2) with one line that names the setting,
its source and what would be right. An unknown `TAILGATE_` variable only warns; `TAILGATE_SERVICE_*` and `TAILGATE_PORT*`, which
Kubernetes injects, are passed over. `tailgate check` reads the configuration as `serve` would, and stops there.

`SIGHUP` reads the settings again that are marked *reload*; what else has changed is named in the log and waits for the next start.

```toml
# tailgate.toml
kafka = "broker-1:9092,broker-2:9092"
topics = ["orders", "public.*", "prices=internal.prices.v2"]
listen = ["https://0.0.0.0:8443", "http://127.0.0.1:8080"]
tls_cert = "/etc/tailgate/tls.crt"
tls_key = "/etc/tailgate/tls.key"
cors_origins = ["https://app.example"]

[librdkafka]
"security.protocol" = "SASL_SSL"
"sasl.mechanism" = "SCRAM-SHA-512"
"sasl.username" = "tailgate"
"sasl.password_file" = "/run/secrets/kafka-password"
```

This page is made by the binary (`tailgate --help-markdown`), and a test keeps it so.

## Settings

| setting | takes | default | meaning |
|---|---|---|---|
)";

constexpr std::string_view kMarkdownTail = R"(
## librdkafka

Any property of librdkafka (TLS, SASL, `client.rack`, …): the table `[librdkafka]` of the file, `TAILGATE_LIBRDKAFKA__` and the
property's name in capitals with `_` for each dot (`TAILGATE_LIBRDKAFKA__SSL_CA_LOCATION`), or `--librdkafka NAME=VALUE`, which may be
repeated. A name with `_file` behind it (`sasl.password_file`, `TAILGATE_LIBRDKAFKA__SASL_PASSWORD_FILE`) takes the value from that file. Properties that
tailgate's design depends on, and `plugin.library.paths`, are refused by name.
)";

constexpr std::size_t kWidth = 100;
constexpr std::size_t kIndent = 6;

// `text` in lines of at most kWidth, each indented.
std::string wrapped(std::string_view text) {
  std::string lines;
  std::string line(kIndent, ' ');
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + end + 1 > kWidth && line.size() > kIndent) {
      lines.append(line).append(1, '\n');
      line.assign(kIndent, ' ');
    }
    if (line.size() > kIndent) line += ' ';
    line += text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines.append(line).append(1, '\n');
}

std::string default_of(const Setting& setting, const Config& defaults) {
  const std::string shown = setting.show(defaults);
  return shown.empty() ? "none" : shown;
}

std::string escaped(std::string_view text) {
  std::string cell;
  for (const char c : text) cell.append(c == '|' ? "\\|" : std::string_view{&c, 1});
  return cell;
}

}  // namespace

std::string help_text() {
  const Config defaults = default_config(Mode::serve);
  std::string text{kUsage};
  text += "  --config FILE\n";
  for (const Setting& setting : settings()) {
    text.append("  ").append(flag_of(setting)).append(" (").append(default_of(setting, defaults)).append(")\n");
    text += wrapped(std::string{setting.doc} + " Takes " + setting.takes + '.');
  }
  text += "  --librdkafka NAME=VALUE\n";
  text += wrapped("A property of librdkafka, for TLS, SASL and the like. NAME_file takes the value from a file.");
  return text;
}

std::string settings_markdown() {
  const Config defaults = default_config(Mode::serve);
  std::string text{kMarkdownHead};
  for (const Setting& setting : settings()) {
    text.append("| `").append(setting.name).append("` | ").append(escaped(setting.takes));
    text.append(" | ").append(escaped(default_of(setting, defaults))).append(" | ").append(escaped(setting.doc));
    text.append(setting.is_reloadable ? " *reload* |\n" : " |\n");
  }
  return text.append(kMarkdownTail);
}

}  // namespace tailgate
