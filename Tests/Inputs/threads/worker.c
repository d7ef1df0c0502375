#include "shared.h"

_Thread_local int turns = 3;
_Thread_local int *own = 0;
_Thread_local char scratch[40];
atomic_int total = 100;
const char *const names[] = {"left", "right"};
static int marks[4] = {1, 2, 3, 4};
int *const mark_of_two = &marks[1];

__attribute__((constructor)) static void prepare(void) { atomic_fetch_add(&total, 1000); }

int work(int amount) {
  own = &turns;
  *own += amount;
  scratch[turns & 31] = (char)amount;
  return atomic_fetch_add(&total, *mark_of_two * amount) + turns + scratch[turns & 31];
}
