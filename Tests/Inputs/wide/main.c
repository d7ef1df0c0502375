#include "wide.h"

long program_value = 7;
long program_table[3] = {1, 2, 3};
long program_next(long x) { return 3 * x + ++program_value; }
long chosen(long x) { return x + 1; }
static long negate(long x) { return -x; }
void __wasm_call_ctors(void);

void _start(void) {
  __wasm_call_ctors();
  print_string("program starts");
  show(1, left_value);
  show(2, right_value);
  for (int i = 0; i < 4; i++) show(10 + i, *left_pointers[i]);
  for (int i = 0; i < 4; i++) show(20 + i, left_functions[i](i));
  for (int i = 0; i < 4; i++) show(30 + i, left_pick(i)(i) + (left_pick(i) == left_functions[i]));
  show(40, right_sum(program_table, 3, negate));
  show(41, right_sum(program_table, 3, left_pick(1)));
  for (int i = 0; i < 3; i++) print_string(right_words[i]);
  void *mine[8] = {(void *)left_next, (void *)right_next, (void *)program_next, &right_value,
                   program_table,     (void *)absent,     &absent_value,        (void *)chosen};
  for (int i = 0; i < 8; i++) show(50 + i, (mine[i] == left_address(i)) + 2 * (mine[i] != 0));
  long dirt = 0;
  for (int i = 0; i < 150000; i++) dirt += left_zeros[i];
  show(60, dirt);
  show(61, chosen(1));
  *left_pointers[3] += 40;
  show(62, program_table[1]);
}
