#include "wide.h"

long right_value = 6;
const char *right_words[3] = {"right zero", "right one", "right two"};

__attribute__((constructor)) static void construct(void) {
  right_value += left_value;
  print_string(right_words[2]);
}

long right_next(long x) { return 2 * x + ++right_value; }

long right_sum(const long *values, unsigned long count, unary f) {
  long sum = 0;
  for (unsigned long i = 0; i < count; i++) sum += f(values[i]) + left_next(0);
  return sum;
}
