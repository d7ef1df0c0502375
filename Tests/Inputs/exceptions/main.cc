#include "problem.h"

extern "C" {
void *dlopen(const char *, int);
void *dlsym(void *, const char *);

int back(int x) {
  if (x == 1) throw Problem{3};
  if (x == 2) throw Other{4};
  return x;
}

static int ask(const char *name, int x) {
  auto *function = (int (*)(int))dlsym(dlopen("plugin.so", 2), name);
  if (!function) return -1;
  try {
    return function(x);
  } catch (Problem &problem) {
    return 1000 + problem.code;
  } catch (Other &other) {
    return 2000 + other.code;
  } catch (...) {
    return 3000;
  }
}

__attribute__((export_name("ask_raises"))) int ask_raises(int x) { return ask("raises", x); }
__attribute__((export_name("ask_catches"))) int ask_catches(int x) { return ask("catches", x); }
}
