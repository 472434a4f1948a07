// What control events of streams and long polls say: the JSON of their `data`.
#pragma once

#include <string>

#include "streams/subscriber.h"

namespace tailgate {

// The name and the JSON object of a delivery that is no record.
struct ControlEvent {
  std::string name;
  std::string data;
};

ControlEvent control_event(const Delivery& delivery);

}  // namespace tailgate
