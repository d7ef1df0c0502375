#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int beta_counter = 20;
int beta_grid[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
// Data that starts as pointers into the two other units, and a function value of the program.
unary beta_hook = program_next;
int *beta_cursor = &program_table[1];
static int *const beta_own[] = {&beta_grid[0][3], &beta_counter, &alpha_numbers[2], &alpha_counter};
static const entry *const beta_tables[] = {base_entries, program_entries, &base_entries[1], &program_entries[1]};

__attribute__((constructor)) static void beta_construct(void) {
  beta_counter += alpha_counter;
  beta_cursor += 1;
  base_note(3);
}

int beta_next(int x) { return x * 2 + ++beta_counter; }

static unary composed_first, composed_second;
static int beta_composition(int x) { return composed_second(composed_first(x)); }

unary beta_compose(unary first, unary second) {
  composed_first = first;
  composed_second = second;
  return beta_composition;
}

void *beta_address_of(const char *name) {
  static const struct {
    const char *name;
    void *address;
  } known[] = {
      {"alpha_next", (void *)alpha_next},
      {"beta_next", (void *)beta_next},
      {"program_next", (void *)program_next},
      {"base_square", (void *)base_square},
      {"strlen", (void *)strlen},
      {"malloc", (void *)malloc},
      {"kept_function", (void *)kept_function},
      {"replaced_function", (void *)replaced_function},
      {"moved_function", (void *)moved_function},
      {"present_function", (void *)present_function},
      {"absent_function", (void *)absent_function},
      {"alpha_counter", &alpha_counter},
      {"beta_grid", beta_grid},
      {"program_table", program_table},
      {"kept_value", &kept_value},
      {"replaced_value", &replaced_value},
      {"moved_value", &moved_value},
      {"present_value", &present_value},
      {"absent_value", &absent_value},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i].name, name)) return known[i].address;
  return strcmp(name, "stdout") ? NULL : (void *)stdout;
}

int beta_collatz(int n) {
  int steps = 0;
  for (; n > 1; steps++) n = n % 2 ? 3 * n + 1 : n / 2;
  return steps;
}

void beta_each(const int *values, int count, void (*visit)(int value, void *context), void *context) {
  for (int i = 0; i < count; i++) visit(values[i], context);
}

int moved_function(int x) { return x + 2000; }
int moved_value = 12;
int present_function(int x) { return x + 3000; }

int beta_use_weak(void) {
  int sum = 0;
  for (size_t i = 0; i < sizeof beta_own / sizeof *beta_own; i++) sum += *beta_own[i];
  for (size_t i = 0; i < sizeof beta_tables / sizeof *beta_tables; i++)
    printf("beta reads %s: %d\n", beta_tables[i]->name, beta_tables[i]->function(3));
  if (absent_function) sum += absent_function(1);
  if (&absent_value) sum += absent_value;
  return sum + kept_function(0) + replaced_function(0) + moved_function(0) + present_value;
}
