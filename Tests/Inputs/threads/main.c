#include "shared.h"

static _Thread_local long long calls = 5;
static char zeros[70000];
extern int host(int value);
typedef int (*step)(int);
step volatile next = work;

__attribute__((export_name("run"))) int run(int amount) {
  calls++;
  zeros[amount & 0xffff] += 1;
  return next(amount) + (int)calls + host(turns) + zeros[amount & 0xffff];
}

__attribute__((export_name("sum"))) int sum(void) { return atomic_load(&total) + names[turns & 1][0]; }

__attribute__((weak)) extern int absent(void);
void _start(void) {
  if (absent) absent();
  run(1);
}
