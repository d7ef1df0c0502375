// The runtime library of the calculator language: what a compiled program imports.
//
// A number is a double, a bool an int that is 0 or 1, a function value a C function pointer, that is, a slot of the
// one table that program and library share once they are linked. Nothing is ever freed: calculations are short.
#ifndef CALCRT_H
#define CALCRT_H

#include <stddef.h>
#include <stdint.h>

#define RT_EXPORT __attribute__((visibility("default")))

// A string. The program's literals have this layout, too; there is no zero at the end.
typedef struct text {
  uint32_t length;
  char bytes[];
} text;

// A list of numbers. The null pointer is a list, an empty one.
typedef struct list {
  uint32_t count;
  uint32_t capacity;
  double elements[];
} list;

typedef double (*number_function)(double);
typedef double (*number_operator)(double, double);
typedef int (*number_order)(double, double);
typedef const text *(*text_function)(const text *);

// memory.c: for this library alone.
void *rt_allocate(size_t size);
_Noreturn void rt_fail(const char *message);
int rt_index(double index, uint32_t count);

// intern.c: for this library alone.
const text *rt_one_character(unsigned char byte);
text *rt_text_new(size_t length);

// text.c
RT_EXPORT double rt_text_length(const text *string);
RT_EXPORT const text *rt_text_upper(const text *string);
RT_EXPORT const text *rt_text_reverse(const text *string);
RT_EXPORT const text *rt_text_concatenate(const text *left, const text *right);
RT_EXPORT int rt_text_compare(const text *left, const text *right);
RT_EXPORT const text *rt_text_character(const text *string, double index);
RT_EXPORT const text *rt_text_map_words(const text *string, text_function function);
RT_EXPORT const text *rt_text_of_number(double number);
RT_EXPORT double rt_number_of_text(const text *string);

// list.c
RT_EXPORT list *rt_list_new(double capacity);
RT_EXPORT list *rt_list_push(list *list, double element);
RT_EXPORT double rt_list_count(const list *list);
RT_EXPORT double rt_list_element(const list *list, double index);
RT_EXPORT list *rt_list_append(const list *list, double element);
RT_EXPORT const text *rt_list_join(const list *list, const text *separator);
RT_EXPORT list *rt_list_map(const list *list, number_function function);
RT_EXPORT list *rt_list_sort(const list *list, number_order comes_before);
RT_EXPORT double rt_list_fold(const list *list, double start, number_operator combine);

// number.c
RT_EXPORT double rt_remainder(double left, double right);
RT_EXPORT double rt_square_root(double number);
RT_EXPORT double rt_floor(double number);
RT_EXPORT double rt_absolute(double number);
RT_EXPORT number_function rt_operation(const text *name);

// output.c
RT_EXPORT void rt_print_number(double number);
RT_EXPORT void rt_print_text(const text *string);
RT_EXPORT void rt_print_bool(int value);
RT_EXPORT void rt_print_list(const list *list);
RT_EXPORT void rt_finish(void);

#endif
