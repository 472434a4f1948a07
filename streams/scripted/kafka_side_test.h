// What drives consumers, tested: its own loop, an io thread's, and a Kafka that does what the test says.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "base/clock.h"
#include "streams/kafka_reports.h"
#include "streams/scripted/scripted_catalog.h"
#include "streams/scripted/scripted_consumer.h"
#include "streams/step_loop.h"

namespace tailgate::scripted {

class KafkaSideTest : public testing::Test {
 protected:
  KafkaSideTest() { catalog.answers_at_once = true; }
  // A step of what is tested. True: there may be more at once.
  virtual bool step() = 0;
  // Everything that is due.
  void settle() {
    while (own.run() | step() | io.run()) {
    }
  }
  void pass(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      settle();
    }
  }

  const TopicPartition partition{"k.orders", 0};
  ManualClock clock;
  StepLoop own{clock, 1};
  StepLoop io{clock, 0};
  KafkaReports reports{clock, nullptr};
  ScriptedConsumer consumer;
  ScriptedCatalog catalog;
};

}  // namespace tailgate::scripted
