#include "parts.h"

#include <stdio.h>

int second(int x) {
  common_count += 10;
  return (int)(((__int128)x << 70) / 3 >> 60) + first(x);
}
const part second_part = {"same words", second};
__attribute__((constructor(100))) static void earliest(void) { puts("second, earliest"); }
