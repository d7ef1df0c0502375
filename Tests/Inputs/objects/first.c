#include "parts.h"

#include <math.h>
#include <stdio.h>

int common_count;
int first(int x) {
  common_count++;
  return (int)(sin(x) * 1000) + third(x);
}
const part first_part = {"same words", first};
__attribute__((constructor(200))) static void early(void) { puts("first, early"); }
__attribute__((constructor)) static void late(void) { puts("first, late"); }
__attribute__((destructor)) static void gone(void) { puts("first, gone"); }
