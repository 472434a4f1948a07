// What a thread is called in `top -H`, `perf` and a debugger.
#pragma once

#include <string>

namespace tailgate {

// Of the calling thread; at most 15 characters (pthread_setname_np). The threads that it starts begin with the same
// name.
void name_thread(const std::string& name);

}  // namespace tailgate
