#include "program.h"

int base_state = 7;
int base_order[8];
int base_order_count;

void base_note(int who) {
  if (base_order_count < 8) base_order[base_order_count++] = who;
}

__attribute__((constructor)) static void base_construct(void) {
  base_state += 100;
  base_note(1);
}

int base_square(int x) { return x * x; }
int base_twice(int x) { return 2 * x; }
static int base_private(int x) { return x - base_state; }

int64_t base_wide(int64_t a, uint32_t b, float c, double d) { return a * 1000 + (int64_t)b + (int64_t)(c * 8) + (int64_t)(d * 4); }

complex_number base_multiply(complex_number a, complex_number b) {
  complex_number product = {a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real};
  return product;
}

const entry base_entries[3] = {
    {"square", base_square, &base_state},
    {"twice", base_twice, &base_order[3]},
    {"private", base_private, NULL},
};

unary base_hook = base_private;
