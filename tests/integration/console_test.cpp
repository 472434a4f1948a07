// The console in a real Chromium, on the binary, on real Kafka.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/chromium.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/producer.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

constexpr Screen kDesktop{};
constexpr Screen kPhone{.width = 390, .height = 844, .is_phone = true};

// "partition:offset" of each record on the screen, as a JavaScript array.
const std::string kShown =
    "[...document.querySelectorAll('#events li[data-offset]')].map((row) => row.dataset.partition + ':' + "
    "row.dataset.offset)";

class ConsoleTest : public testing::Test {
 protected:
  // One browser for all tests: a new one takes longer than most of them.
  static void SetUpTestSuite() { chromium_ = std::make_unique<Chromium>(); }
  static void TearDownTestSuite() { chromium_.reset(); }

  explicit ConsoleTest(Screen screen = kDesktop)
      : admin_{shared_kafka()}, producer_{shared_kafka()}, browser_{*chromium_} {
    topic_ = admin_.make_topic("console", {.partitions = 3});
    TailgateOptions options;
    options.kafka = shared_kafka();
    options.topics = topic_;
    options.flags = {"--console"};
    server_ = std::make_unique<TailgateProcess>(options);
    browser_.show_on(screen);
    browser_.errors();  // those of the test before
  }
  void TearDown() override { browser_.open("about:blank"); }  // closes its streams

  // What stands behind the topic in the page's hash: "?from=earliest". Returns when records can come.
  void open(const std::string& query = "") {
    browser_.open(server_->url("/#" + topic_ + query));
    ASSERT_TRUE(browser_.becomes(
        "document.querySelector('#state').dataset.kind === 'open' && document.querySelector('#events li')"));
  }

  void produce(int partition, int count, const std::string& key = "k1") {
    std::vector<NewRecord> records;
    records.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      records.push_back({.value = R"({"number":)" + std::to_string(produced_++) + "}", .key = key});
    producer_.send(topic_, partition, records);
  }

  std::string text_of(const std::string& selector) {
    return browser_.text("document.querySelector(" + quoted(selector) + ").textContent");
  }
  std::string shown() { return browser_.text(kShown); }
  [[nodiscard]] bool shows(std::size_t records) {
    return browser_.becomes(kShown + ".length >= " + std::to_string(records));
  }
  [[nodiscard]] bool says(const std::string& kind) {
    return browser_.becomes(
        "[...document.querySelectorAll('#events li.control strong')].some((title) => title.textContent === " +
        quoted(kind) + ")");
  }
  void click(const std::string& selector) { browser_.run("document.querySelector(" + quoted(selector) + ").click()"); }
  void choose(const std::string& selector, const std::string& value) {
    browser_.run("const field = document.querySelector(" + quoted(selector) + "); field.value = " + quoted(value) +
                 "; field.dispatchEvent(new Event('change'))");
  }

  KafkaAdmin admin_;
  Producer producer_;
  std::string topic_;
  std::unique_ptr<TailgateProcess> server_;
  Chromium& browser_;
  int produced_ = 0;

 private:
  static std::unique_ptr<Chromium> chromium_;
};

std::unique_ptr<Chromium> ConsoleTest::chromium_;

class ConsoleOnAScreen : public ConsoleTest, public testing::WithParamInterface<Screen> {
 protected:
  ConsoleOnAScreen() : ConsoleTest{GetParam()} {}

  void expect_that_it_fits(const std::string& what) {
    EXPECT_LE(browser_.number("document.documentElement.scrollWidth"), GetParam().width) << what;
    EXPECT_EQ(browser_.number("innerWidth"), GetParam().width) << what;
    EXPECT_EQ(
        browser_.text(
            "[...document.querySelectorAll('button, input, select, code')].filter((each) => each.checkVisibility())"
            ".filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.id)"),
        "")
        << what;
  }
};

TEST_P(ConsoleOnAScreen, FitsWithoutHorizontalScrollAndWithoutAnyError) {
  producer_.send(topic_, 0,
                 {.value = R"({"long":")" + std::string(3'000, 'x') + R"(","deep":[[[{"a":null}]]]})",
                  .key = std::string(300, 'k')});
  produce(1, 40);
  open("?from=earliest");
  ASSERT_TRUE(shows(41));
  expect_that_it_fits("records");

  browser_.run("document.querySelectorAll('#events button.record').forEach((line) => line.click())");
  expect_that_it_fits("records opened");
  choose("#start", "time");
  expect_that_it_fits("a time to start from");
  choose("#start", "id");
  expect_that_it_fits("an id to start after");
  if (GetParam().is_phone) {
    click("#show-topics");
    ASSERT_TRUE(browser_.becomes("document.querySelector('#topics').checkVisibility()"));
    expect_that_it_fits("topics");
  }

  EXPECT_EQ(browser_.errors(), std::vector<std::string>{});
}

TEST_P(ConsoleOnAScreen, EachTextStandsOutFromWhatIsBehindIt) {
  produce(0, 1);
  open("?from=earliest");
  ASSERT_TRUE(shows(1));
  click("#events button.record");

  // WCAG 2.2, 1.4.3: a contrast of at least 4.5.
  const auto pale = browser_.text(R"((() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (each) => { for (; each; each = each.parentElement) { const color = rgba(getComputedStyle(each).backgroundColor); if (color[3] === 255) return color; } };
    const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return [...document.querySelectorAll('body *')].filter((each) => each.checkVisibility() && !each.disabled &&
        [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
      .filter((each) => contrast(light(rgba(getComputedStyle(each).color)), light(behind(each))) < 4.5)
      .map((each) => each.tagName + '.' + each.className + ' ' + each.textContent.slice(0, 20));
  })())");

  EXPECT_EQ(pale, "");
}

INSTANTIATE_TEST_SUITE_P(, ConsoleOnAScreen,
                         testing::Values(kDesktop, Screen{.is_dark = true}, kPhone,
                                         Screen{.width = 390, .height = 844, .is_phone = true, .is_dark = true}),
                         [](const auto& screen) {
                           return std::string{screen.param.is_phone ? "Phone" : "Desktop"} +
                                  (screen.param.is_dark ? "Dark" : "Light");
                         });

TEST_F(ConsoleTest, WhatIsInlineIsRefusedByThePolicyAndSeenByTheseTests) {
  open();

  browser_.run(
      "const script = document.createElement('script'); script.textContent = 'window.ran = true'; "
      "document.body.append(script)");

  EXPECT_FALSE(browser_.is("window.ran"));
  EXPECT_FALSE(browser_.errors().empty());
}

TEST_F(ConsoleTest, ShowsTopicsWithTheirPartitionsAndOffsets) {
  produce(0, 5);
  produce(2, 2);

  browser_.open(server_->url("/"));

  ASSERT_TRUE(browser_.becomes("document.querySelectorAll('#offsets tbody tr').length === 3"));
  EXPECT_EQ(browser_.text(
                "[...document.querySelectorAll('#topics button')].map((each) => each.innerText.replace(/\\s+/g, ' '))"),
            topic_ + " 3");
  EXPECT_TRUE(
      browser_.becomes("[...document.querySelectorAll('#offsets tbody tr')].map((row) => [...row.cells].map((cell) => "
                       "cell.textContent).join(' ')).join()"
                       " === '0 0 5 0,1 0 0 0,2 0 2 0'"))
      << text_of("#offsets tbody");
  produce(1, 7);
  EXPECT_TRUE(browser_.becomes("document.querySelector('#offsets tbody').rows[1].cells[2].textContent === '7'"));
}

TEST_F(ConsoleTest, ATailShowsEachRecordAsItIs) {
  open();
  producer_.send(topic_, 0,
                 {.value = R"({"exact": 9007199254740993, "list": [1.10, true, null]})",
                  .key = "k1",
                  .headers = {{"trace", "ab"}}});
  producer_.send(topic_, 0, NewRecord{.value = std::nullopt, .key = "gone"});
  producer_.send(topic_, 0, {.value = std::string{"\xff\x00\x01", 3}});
  producer_.send(topic_, 0, {.value = "plain <b>text</b>\nin two lines"});

  ASSERT_TRUE(shows(4));
  EXPECT_EQ(shown(), "0:0,0:1,0:2,0:3");
  EXPECT_EQ(browser_.text("[...document.querySelectorAll('#events .key')].map((each) => each.textContent)"),
            "k1,gone,–,–");
  EXPECT_EQ(browser_.text("[...document.querySelectorAll('#events .tag')].map((each) => each.textContent)"),
            "tombstone,binary");
  EXPECT_EQ(browser_.text("[...document.querySelectorAll('#events .value')].pop().textContent"),
            "plain <b>text</b>\nin two lines");

  click("#events button.record");
  EXPECT_EQ(text_of(".detail pre"),
            "{\n  \"exact\": 9007199254740993,\n  \"list\": [\n    1.10,\n    true,\n    null\n  ]\n}");
  EXPECT_NE(text_of(".detail dl").find("traceab"), std::string::npos);
  EXPECT_NE(text_of(".detail dl").find("0:0,1:-,2:-"), std::string::npos);
}

TEST_F(ConsoleTest, PauseClosesTheConnectionAndGoesOnWithoutLoss) {
  open();
  produce(0, 3);
  ASSERT_TRUE(shows(3));

  click("#pause");
  ASSERT_TRUE(says("Paused"));
  produce(0, 3);
  produce(1, 2);
  // The offsets are still asked for: once they show the new ends, the records had their chance to come.
  ASSERT_TRUE(browser_.becomes("document.querySelector('#offsets tbody').rows[0].cells[2].textContent === '6'"));
  EXPECT_EQ(shown(), "0:0,0:1,0:2");
  EXPECT_EQ(text_of("#pause"), "Continue");

  click("#pause");
  ASSERT_TRUE(shows(8));
  EXPECT_TRUE(says("Resumed"));
  EXPECT_EQ(browser_.text(kShown + ".sort()"), "0:0,0:1,0:2,0:3,0:4,0:5,1:0,1:1");
}

TEST_F(ConsoleTest, FiltersByKey) {
  produce(0, 2, "odd one & 'quoted'");
  produce(0, 3, "k2");
  produce(0, 1, "odd one & 'quoted'");
  open("?from=earliest");
  ASSERT_TRUE(shows(6));

  choose("#key", "odd one & 'quoted'");
  click("#request button");

  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '0:0,0:1,0:5'")) << shown();
  EXPECT_EQ(browser_.text("document.querySelector('#key').value"), "odd one & 'quoted'");
}

TEST_F(ConsoleTest, StartsWhereItIsTold) {
  // A whole second, for the field knows no parts of one; not so long ago that Kafka would take the records for expired.
  const auto now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::int64_t then_ms = (now_s.count() - 3'600) * 1'000;
  for (int i = 0; i < 4; ++i) producer_.send(topic_, 0, {.value = "early", .timestamp_ms = then_ms - 10'000 + i});
  for (int i = 0; i < 3; ++i) producer_.send(topic_, 0, {.value = "late", .timestamp_ms = then_ms + i});
  open();
  EXPECT_EQ(shown(), "");

  choose("#start", "earliest");
  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '0:0,0:1,0:2,0:3,0:4,0:5,0:6'")) << shown();

  choose("#start", "time");
  browser_.run("const at = new Date(" + std::to_string(then_ms) +
               "); const field = document.querySelector('#time');"
               "field.value = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19)");
  click("#request button");
  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '0:4,0:5,0:6'")) << shown();

  choose("#start", "id");
  choose("#from-id", "0:4,1:-,2:-");
  click("#request button");
  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '0:5,0:6'")) << shown();

  choose("#start", "earliest");
  ASSERT_TRUE(shows(7));
  browser_.run("document.querySelectorAll('#events button.record')[2].click()");
  browser_.run(
      "[...document.querySelectorAll('.detail button')].find((each) => each.textContent === 'Start after "
      "this').click()");
  EXPECT_TRUE(browser_.becomes(kShown + ".join() === '0:3,0:4,0:5,0:6'")) << shown();
  EXPECT_EQ(browser_.errors(), std::vector<std::string>{});
}

TEST_F(ConsoleTest, TheCurlLineOnTheScreenGivesWhatIsOnTheScreen) {
  produce(0, 3, "it's $HOME `date` 100% \\");
  produce(1, 3, "other");
  open("?from=earliest");
  choose("#key", "it's $HOME `date` 100% \\");
  click("#request button");
  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '0:0,0:1,0:2'")) << shown();

  const TempDir folder;
  Process curl{{"sh", "-c", "exec " + text_of("#curl")}, folder / "output"};

  const auto has = [&](int number) {
    return read_file(folder / "output").find(R"(data: {"number":)" + std::to_string(number) + "}") != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return has(0) && has(1) && has(2); })) << read_file(folder / "output");
  EXPECT_FALSE(has(3));
  EXPECT_EQ(text_of("#curl").rfind("curl -N 'http://127.0.0.1:" + std::to_string(server_->port()) + "/streams/" +
                                       topic_ + "?from=earliest&key=",
                                   0),
            0u);
}

// A link with such a topic may come from anybody.
TEST_F(ConsoleTest, TheCurlLineIsOneAddressWhateverTheTopicOfTheHash) {
  browser_.open(server_->url("/#x'y(z)"));
  ASSERT_TRUE(browser_.becomes("document.querySelector('#curl').textContent !== ''"));
  EXPECT_EQ(text_of("#curl"), "curl -N '" + server_->url("/streams/x%27y(z)") + "'");
}

TEST_F(ConsoleTest, TheHashIsTheWholeRequestAndTheWayBackWorks) {
  produce(0, 2, "k1");
  produce(1, 2, "k2");
  open("/1?from=earliest&key=k2");

  ASSERT_TRUE(browser_.becomes(kShown + ".join() === '1:0,1:1'")) << shown();
  EXPECT_EQ(browser_.text("['start', 'partition', 'key'].map((id) => document.getElementById(id).value)"),
            "earliest,1,k2");
  EXPECT_TRUE(browser_.becomes("document.querySelector('#id').textContent === '1'"));

  choose("#partition", "");
  ASSERT_TRUE(browser_.becomes("location.hash === " + quoted("#" + topic_ + "?from=earliest&key=k2")));
  browser_.run("history.back()");
  ASSERT_TRUE(browser_.becomes("location.hash === " + quoted("#" + topic_ + "/1?from=earliest&key=k2")));
  EXPECT_TRUE(browser_.becomes("document.querySelector('#partition').value === '1'"));
}

TEST_F(ConsoleTest, TheTailResumesAfterTheServerWasKilledWithNothingLostOrTwice) {
  open();
  produce(0, 3);
  produce(1, 3);
  ASSERT_TRUE(shows(6));

  server_->kill_hard();
  ASSERT_TRUE(says("Connection lost"));
  EXPECT_EQ(browser_.text("document.querySelector('#state').dataset.kind"), "waiting");
  EXPECT_TRUE(browser_.becomes("/^ in \\d+ s$/.test(document.querySelector('#countdown').textContent)"));
  produce(0, 3);
  produce(2, 3);
  server_->restart();

  ASSERT_TRUE(shows(12));
  EXPECT_TRUE(says("Resumed"));
  produce(1, 1);
  ASSERT_TRUE(shows(13));
  EXPECT_EQ(browser_.text(kShown + ".sort()"), "0:0,0:1,0:2,0:3,0:4,0:5,1:0,1:1,1:2,1:3,2:0,2:1,2:2");
  EXPECT_EQ(browser_.text("document.querySelector('#state').dataset.kind"), "open");
}

TEST_F(ConsoleTest, ARefusalIsToldInItsOwnWordsAndNotTriedForEver) {
  browser_.open(server_->url("/#" + topic_ + "?from=nonsense"));

  ASSERT_TRUE(says("Refused"));
  EXPECT_NE(text_of("#events .control span").find("from"), std::string::npos) << text_of("#events .control span");
  EXPECT_EQ(text_of("#state-text"), "Stopped");
}

TEST_F(ConsoleTest, ALongHistoryKeepsTheNewestRecordsOnTheScreenAndCountsThemAll) {
  constexpr int kRecords = 3'000;
  produce(0, kRecords);
  open("?from=earliest");

  ASSERT_TRUE(browser_.becomes("document.querySelector('#received').textContent === '3,000'")) << text_of("#received");
  ASSERT_TRUE(browser_.becomes(kShown + ".pop() === '0:2999'"));
  EXPECT_LE(browser_.number("document.querySelectorAll('#events li').length"), 500);
  EXPECT_GE(browser_.number(kShown + ".length"), 400);
  EXPECT_EQ(text_of("#behind"), "0");
}

TEST_F(ConsoleTest, AnOpenRecordStaysWhereItIsWhileOthersCome) {
  produce(0, 5);
  open("?from=earliest");
  ASSERT_TRUE(shows(5));
  click("#events button.record");

  produce(0, 4);
  ASSERT_TRUE(
      browser_.becomes("document.querySelector('#newer').textContent === '4 newer ↓' && "
                       "document.querySelector('#newer').checkVisibility()"));
  EXPECT_EQ(browser_.number(kShown + ".length"), 5);

  click("#newer");
  ASSERT_TRUE(shows(9));
  EXPECT_FALSE(browser_.is("document.querySelector('#newer').checkVisibility()"));
}

TEST_F(ConsoleTest, TheKeyboardIsEnough) {
  produce(0, 3);
  open("?from=earliest");
  ASSERT_TRUE(shows(3));

  browser_.run("document.querySelector('#events').focus()");
  browser_.type("\uE013\uE013\uE007");  // arrow up twice: the newest, the one before; enter
  EXPECT_EQ(
      browser_.number(
          "[...document.querySelectorAll('#events button.record')].findIndex((each) => each.ariaExpanded === 'true')"),
      1);
  browser_.type("\uE00C");  // escape
  EXPECT_FALSE(browser_.is("document.querySelector('.detail')"));

  browser_.run("document.activeElement.blur()");
  browser_.type(" ");
  EXPECT_TRUE(says("Paused"));
  browser_.type("/k1\uE007");
  EXPECT_TRUE(browser_.becomes("location.hash === " + quoted("#" + topic_ + "?from=earliest&key=k1")))
      << browser_.text("location.hash");
}

}  // namespace
}  // namespace tailgate::test
