// What a library in C++ expects beside emscripten's C++ library: WebAssembly's setjmp, a clock, and a hash of newer releases.
#include <time.h>

extern "C" {
int throw_jump(void *argument);  // `jump.s`

// `clock`, whose result has 32 bits there.
int clk32(void) { return static_cast<int>(clock() / (CLOCKS_PER_SEC / 1000000)); }

double emscripten_get_now(void) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

// A jump is an exception with the address of these two, which the code that called setjmp looks at.
struct jump {
  void *invocation;
  unsigned label;
  struct {
    void *environment;
    int value;
  } argument;
};

void __wasm_setjmp(jump *environment, unsigned label, void *invocation) {
  environment->invocation = invocation;
  environment->label = label;
}

unsigned __wasm_setjmp_test(jump *environment, void *invocation) {
  return environment->invocation == invocation ? environment->label : 0;
}

void __wasm_longjmp(jump *environment, int value) {
  environment->argument = {environment, value ? value : 1};
  throw_jump(&environment->argument);
}
}

namespace std {
inline namespace __2 {
size_t __hash_memory(const void *start, size_t size) {
  size_t hash = 2166136261;
  for (size_t index = 0; index < size; index++) hash = (hash ^ static_cast<const unsigned char *>(start)[index]) * 16777619;
  return hash;
}
}  // namespace __2
}  // namespace std
