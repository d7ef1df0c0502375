#include "calcrt.h"

#include <stdio.h>

static char buffer[4096];

__attribute__((constructor)) static void buffer_output(void) { setvbuf(stdout, buffer, _IOFBF, sizeof buffer); }

void rt_print_text(const text *string) {
  fwrite(string->bytes, 1, string->length, stdout);
  putchar('\n');
}

void rt_print_number(double number) { printf("%.15g\n", number); }

void rt_print_bool(int value) { puts(value ? "true" : "false"); }

void rt_print_list(const list *list) {
  static const text separator = {2, {", "}};
  const text *elements = rt_list_join(list, &separator);
  printf("[%.*s]\n", (int)elements->length, elements->bytes);
}

// The program calls this last.
void rt_finish(void) { fflush(stdout); }
