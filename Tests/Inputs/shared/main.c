// Prints a transcript of everything that crosses the borders between the program and its libraries. Addresses are
// compared, never printed, so that the same sources linked in another way print the same.
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int program_counter = 30;
int program_table[5] = {100, 101, 102, 103, 104};
int program_next(int x) { return x * 3 + ++program_counter; }
static int program_private(int x) { return x ^ 0x55; }
const entry program_entries[2] = {{"next of the program", base_twice, &program_table[3]}, {"private of the program", program_private, &alpha_numbers[4]}};
int replaced_function(int x) { return x + 5000; }
int replaced_value = 55;
int present_value = 77;

__attribute__((constructor)) static void program_construct(void) {
  base_note(4);
  program_counter += beta_counter;
}

void program_log(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("log: ");
  vprintf(format, arguments);
  va_end(arguments);
}

static void *address_of(const char *name) {
#define ENTRY(symbol) {#symbol, (void *)symbol}
#define VALUE(symbol) {#symbol, (void *)&symbol}
  static const struct {
    const char *name;
    void *address;
  } known[] = {
      ENTRY(alpha_next),       ENTRY(beta_next),        ENTRY(program_next),   ENTRY(base_square),
      ENTRY(strlen),           ENTRY(malloc),           ENTRY(kept_function),  ENTRY(replaced_function),
      ENTRY(moved_function),   ENTRY(present_function), ENTRY(absent_function), VALUE(alpha_counter),
      VALUE(beta_grid),        VALUE(program_table),    VALUE(kept_value),     VALUE(replaced_value),
      VALUE(moved_value),      VALUE(present_value),    VALUE(absent_value),
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i].name, name)) return known[i].address;
  return strcmp(name, "stdout") ? NULL : (void *)stdout;
}

static void visit(int value, void *context) {
  int *sum = context;
  *sum = *sum * 7 + value;
}

static void show_constructors(void) {
  printf("constructors:");
  for (int i = 0; i < base_order_count; i++) printf(" %d", base_order[i]);
  printf("; %d %d %d %d\n", base_state, alpha_counter, beta_counter, program_counter);
}

static void show_addresses(void) {
  const char *const names[] = {"alpha_next",  "beta_next",         "program_next",   "base_square",      "strlen",
                               "malloc",      "kept_function",     "replaced_function", "moved_function", "present_function",
                               "absent_function", "alpha_counter", "beta_grid",      "program_table",    "kept_value",
                               "replaced_value",  "moved_value",   "present_value",  "absent_value",     "stdout"};
  size_t count = sizeof names / sizeof *names;
  for (size_t i = 0; i < count; i++) {
    void *mine = address_of(names[i]), *alphas = alpha_address_of(names[i]), *betas = beta_address_of(names[i]);
    int same_elsewhere = 0;
    for (size_t j = 0; j < count; j++) same_elsewhere += mine == alpha_address_of(names[j]);
    printf("address of %s: %s alpha %d beta %d, as %d of the names\n", names[i], mine ? "set" : "null", mine == alphas, mine == betas,
           same_elsewhere);
  }
}

static void show_data(void) {
  for (int i = 0; i < 9; i++) printf("alpha_pointers[%d] = %d\n", i, *alpha_pointers[i]);
  printf("pointers equal: %d %d %d %d %d %d %d %d\n", alpha_pointers[0] == &alpha_counter, alpha_pointers[1] == alpha_numbers + 5,
         alpha_pointers[3] == &base_state, alpha_pointers[4] == base_order + 2, alpha_pointers[5] == &beta_grid[2][1],
         alpha_pointers[6] == &beta_counter, alpha_pointers[7] == &program_counter, alpha_pointers[8] == &program_table[4]);
  *alpha_pointers[8] += 900;
  *alpha_pointers[5] += 90;
  base_state++;
  printf("written: %d %d %d %d\n", program_table[4], beta_grid[2][1], *alpha_pointers[3], *beta_cursor);
  printf("words: %s %s %s, aligned %d %s\n", alpha_words[0], alpha_words[2], alpha_words[3], (int)((uintptr_t)alpha_aligned % 64),
         (const char *)alpha_aligned);
  long dirt = 0;
  for (size_t i = 0; i < sizeof alpha_zeros; i++) dirt += alpha_zeros[i];
  memset(alpha_zeros, 1, sizeof alpha_zeros);
  for (size_t i = 0; i < sizeof alpha_zeros; i++) dirt += alpha_zeros[i];
  printf("zeros: %ld; %d %d\n", dirt, alpha_numbers[5], beta_grid[0][0]);
}

static void show_functions(void) {
  for (int i = 0; i < 8; i++) printf("alpha_functions[%d](%d) = %d\n", i, -i, alpha_functions[i](-i));
  printf("functions equal: %d %d %d %d %d\n", alpha_functions[0] == alpha_next, alpha_functions[2] == base_square,
         alpha_functions[3] == beta_next, alpha_functions[4] == program_next, alpha_functions[5] == abs);
  for (int i = 0; i < 6; i++) {
    unary f = alpha_pick(i);
    printf("alpha_pick(%d) %s: %d\n", i, f ? "is set" : "is null", f ? alpha_call(f, i) : 0);
  }
  printf("composition: %d %d\n", beta_compose(alpha_pick(1), program_private)(5), beta_compose(program_next, base_square)(2));
  printf("hooks: %d %d %d\n", beta_hook == program_next, beta_hook(1), base_hook(1));
  for (int i = 0; i < 3; i++)
    printf("base %s: %d %d\n", base_entries[i].name, base_entries[i].function(i + 2), base_entries[i].value ? *base_entries[i].value : -1);
  complex_number z = base_multiply((complex_number){1, 2}, (complex_number){3, -4});
  printf("wide: %lld, complex: %g %g\n", (long long)base_wide(-123456789012LL, 4000000000u, 1.5f, 2.25), z.real, z.imaginary);
}

int main(int argc, char **argv) {
  (void)argv;
  printf("argc %d\n", argc);
  show_constructors();
  show_addresses();
  show_data();
  show_functions();

  int results[16];
  int count = alpha_weak_results(results);
  printf("weak:");
  for (int i = 0; i < count; i++) printf(" %d", results[i]);
  printf("; %d\n", beta_use_weak());

  int values[] = {27, 1, 7, 97, 16, 3, 6};
  alpha_sort(values, 7);
  printf("sorted:");
  for (int i = 0; i < 7; i++) printf(" %d", values[i]);
  int sum = 0;
  beta_each(values, 7, visit, &sum);
  char *text = alpha_format("%s-%05d-%.3f-%c", "formatted by alpha", 42, 3.14159, 'x');
  printf("; %d\n%s\n", sum, text);
  free(text);
  program_log("last %d\n", alpha_next(0) + beta_next(0));
  return 42;
}
