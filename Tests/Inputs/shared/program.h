// What the program and its three libraries share. Each of base.c, alpha.c and beta.c becomes a shared library in the
// tests and a plain object for the reference link; main.c is always an object.
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

typedef int (*unary)(int);

typedef struct {
  const char *name;
  unary function;
  int *value;
} entry;

typedef struct {
  double real, imaginary;
} complex_number;

// base.c needs nobody.
extern int base_state;
extern int base_order[8];
extern int base_order_count;
void base_note(int who);
int base_square(int x);
int base_twice(int x);
int64_t base_wide(int64_t a, uint32_t b, float c, double d);
complex_number base_multiply(complex_number a, complex_number b);
extern const entry base_entries[3];
extern unary base_hook;

// alpha.c calls base, beta and the program.
extern int alpha_counter;
extern int alpha_numbers[6];
extern int *alpha_pointers[9];
extern unary alpha_functions[8];
extern unsigned char alpha_zeros[300000];
extern unsigned char alpha_aligned[64];
extern const char *const alpha_words[4];
int alpha_next(int x);
int alpha_call(unary f, int x);
unary alpha_pick(int index);
void *alpha_address_of(const char *name);
int alpha_weak_results(int *results);
void alpha_sort(int *values, int count);
char *alpha_format(const char *pattern, ...);

// beta.c calls base, alpha and the program.
extern int beta_counter;
extern int beta_grid[3][4];
extern unary beta_hook;
extern int *beta_cursor;
int beta_next(int x);
unary beta_compose(unary first, unary second);
void *beta_address_of(const char *name);
int beta_collatz(int n);
void beta_each(const int *values, int count, void (*visit)(int value, void *context), void *context);
int beta_use_weak(void);

// main.c offers these to the libraries.
extern int program_counter;
extern int program_table[5];
extern const entry program_entries[2];
int program_next(int x);
void program_log(const char *format, ...);

// Weak definitions in alpha.c: kept_* have no other definition; replaced_* are defined in main.c,
// moved_function in beta.c. (A library does not say that data is weak, so there is no such thing as moved data.)
int kept_function(int x);
int replaced_function(int x);
int moved_function(int x);
extern int kept_value;
extern int replaced_value;
extern int moved_value;

// Weakly referenced by everybody, defined by nobody.
int absent_function(int x) __attribute__((weak));
extern int absent_value __attribute__((weak));
// Weakly referenced by everybody, defined by beta.c and by main.c.
int present_function(int x) __attribute__((weak));
extern int present_value __attribute__((weak));

#endif
