#include "base/thread_name.h"

#include <pthread.h>

#include <cassert>

namespace tailgate {

void name_thread(const std::string& name) {
  const int error = pthread_setname_np(pthread_self(), name.c_str());
  assert(error == 0);  // ERANGE: too long
  static_cast<void>(error);
}

}  // namespace tailgate
