#include "parts.h"

__attribute__((weak)) int optional(int x);
int third(int x) { return optional ? optional(x) : -x; }
