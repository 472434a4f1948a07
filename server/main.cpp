#include <cstdio>

int main() {
  std::puts("tailgate " TAILGATE_VERSION);
  return 0;
}
