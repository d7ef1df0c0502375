#include "wide.h"

long left_value = 5;
char left_zeros[150000];
static long hidden[3] = {70, 71, 72};
static long secret(long x) { return x + hidden[1]; }
long *left_pointers[4] = {&left_value, &hidden[2], &right_value, &program_table[1]};
unary left_functions[4] = {left_next, secret, right_next, program_next};

__attribute__((constructor)) static void construct(void) { left_value += 1000; }
__attribute__((weak)) long chosen(long x) { return x - 1; }

long left_next(long x) { return x + ++left_value; }
unary left_pick(int index) { return index == 0 ? left_next : index == 1 ? secret : index == 2 ? right_next : program_next; }
void *left_address(int index) {
  switch (index) {
  case 0: return (void *)left_next;
  case 1: return (void *)right_next;
  case 2: return (void *)program_next;
  case 3: return &right_value;
  case 4: return program_table;
  case 5: return (void *)absent;
  case 6: return &absent_value;
  default: return (void *)chosen;
  }
}
