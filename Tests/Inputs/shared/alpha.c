#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int alpha_counter = 10;
int alpha_numbers[6] = {1, 1, 2, 3, 5, 8};
static int alpha_hidden[4] = {40, 41, 42, 43};
unsigned char alpha_zeros[300000];
static unsigned char alpha_more_zeros[70000];
_Alignas(64) unsigned char alpha_aligned[64] = "aligned";
const char *const alpha_words[4] = {"zero", "one", "two", "one"};

static int alpha_secret(int x) { return x + alpha_hidden[2]; }

// Own, another library's and the program's data, each also with an addend, before and after the symbol.
int *alpha_pointers[9] = {
    &alpha_counter, &alpha_numbers[5], &alpha_hidden[1], &base_state,       &base_order[2],
    &beta_grid[2][1], &beta_counter,   &program_counter, &program_table[4],
};

unary alpha_functions[8] = {alpha_next, alpha_secret, base_square, beta_next, program_next, abs, kept_function, replaced_function};

__attribute__((constructor)) static void alpha_construct(void) {
  alpha_counter += base_state;
  base_note(2);
}

int alpha_next(int x) { return x + ++alpha_counter; }

int alpha_call(unary f, int x) { return f(x) + program_next(0); }

unary alpha_pick(int index) {
  switch (index) {
  case 0: return alpha_next;
  case 1: return alpha_secret;
  case 2: return beta_next;
  case 3: return program_next;
  case 4: return abs;
  default: return NULL;
  }
}

void *alpha_address_of(const char *name) {
  if (!strcmp(name, "alpha_next")) return (void *)alpha_next;
  if (!strcmp(name, "beta_next")) return (void *)beta_next;
  if (!strcmp(name, "program_next")) return (void *)program_next;
  if (!strcmp(name, "base_square")) return (void *)base_square;
  if (!strcmp(name, "strlen")) return (void *)strlen;
  if (!strcmp(name, "malloc")) return (void *)malloc;
  if (!strcmp(name, "kept_function")) return (void *)kept_function;
  if (!strcmp(name, "replaced_function")) return (void *)replaced_function;
  if (!strcmp(name, "moved_function")) return (void *)moved_function;
  if (!strcmp(name, "present_function")) return (void *)present_function;
  if (!strcmp(name, "absent_function")) return (void *)absent_function;
  if (!strcmp(name, "alpha_counter")) return &alpha_counter;
  if (!strcmp(name, "beta_grid")) return beta_grid;
  if (!strcmp(name, "program_table")) return program_table;
  if (!strcmp(name, "kept_value")) return &kept_value;
  if (!strcmp(name, "replaced_value")) return &replaced_value;
  if (!strcmp(name, "moved_value")) return &moved_value;
  if (!strcmp(name, "present_value")) return &present_value;
  if (!strcmp(name, "absent_value")) return &absent_value;
  if (!strcmp(name, "stdout")) return (void *)stdout;
  return NULL;
}

__attribute__((weak)) int kept_function(int x) { return x + 1000; }
__attribute__((weak)) int replaced_function(int x) { return x - 1000; }
__attribute__((weak)) int moved_function(int x) { return x - 2000; }
__attribute__((weak)) int kept_value = 11;
__attribute__((weak)) int replaced_value = -11;

int alpha_weak_results(int *results) {
  int n = 0;
  results[n++] = kept_function(1);
  results[n++] = replaced_function(1);
  results[n++] = moved_function(1);
  results[n++] = kept_value;
  results[n++] = replaced_value;
  results[n++] = moved_value;
  results[n++] = absent_function != NULL;
  results[n++] = &absent_value != NULL;
  results[n++] = present_function != NULL ? present_function(1) : -1;
  results[n++] = &present_value != NULL ? present_value : -1;
  return n;
}

static int compare_through_beta(const void *left, const void *right) {
  int a = beta_collatz(*(const int *)left), b = beta_collatz(*(const int *)right);
  return a != b ? a - b : *(const int *)left - *(const int *)right;
}

void alpha_sort(int *values, int count) { qsort(values, (size_t)count, sizeof *values, compare_through_beta); }

char *alpha_format(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  int needed = vsnprintf(NULL, 0, pattern, arguments);
  va_end(arguments);
  char *text = malloc((size_t)needed + 1);
  va_start(arguments, pattern);
  vsnprintf(text, (size_t)needed + 1, pattern, arguments);
  va_end(arguments);
  size_t dirt = 0;
  for (size_t i = 0; i < sizeof alpha_more_zeros; i++) dirt += alpha_more_zeros[i];
  if (dirt != 0) program_log("alpha_more_zeros is not zero\n");
  return text;
}
