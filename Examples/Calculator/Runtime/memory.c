#include "calcrt.h"

#include <stdio.h>
#include <stdlib.h>

// Ends the program with status 1; what it has printed so far comes out first.
_Noreturn void rt_fail(const char *message) {
  fflush(stdout);
  fprintf(stderr, "calculator: %s\n", message);
  exit(1);
}

void *rt_allocate(size_t size) {
  void *memory = malloc(size);
  if (!memory) rt_fail("out of memory");
  return memory;
}

// A number of the language as an index below `count`.
int rt_index(double index, uint32_t count) {
  if (!(index >= 0 && index < count)) rt_fail("index out of range");
  return (int)index;
}
