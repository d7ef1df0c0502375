#include "calcrt.h"

#include <math.h>
#include <string.h>

double rt_remainder(double left, double right) { return fmod(left, right); }
double rt_square_root(double number) { return sqrt(number); }
double rt_floor(double number) { return floor(number); }
double rt_absolute(double number) { return fabs(number); }

static double negated(double number) { return -number; }
static double cube(double number) { return number * number * number; }

// Pointers to functions and to strings in static data: where the library ends up decides their values. Some point to
// functions that the program knows by name as well, some to libc, some to functions that nobody else can name.
static const struct {
  const char *name;
  number_function function;
} operations[] = {
    {"sqrt", rt_square_root}, {"floor", rt_floor}, {"abs", rt_absolute}, {"negate", negated},
    {"cube", cube},           {"log", log},        {"exp", exp},
};

number_function rt_operation(const text *name) {
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    size_t length = strlen(operations[i].name);
    if (length == name->length && memcmp(operations[i].name, name->bytes, length) == 0) return operations[i].function;
  }
  rt_fail("there is no such operation");
}
