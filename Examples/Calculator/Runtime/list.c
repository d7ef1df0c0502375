// Lists of numbers. Only rt_list_push, which the compiler uses for list literals, changes one; the others make new ones.
#include "calcrt.h"

#include <stdlib.h>
#include <string.h>

static list *with_capacity(uint32_t capacity) {
  if (capacity > (UINT32_MAX - sizeof(list)) / sizeof(double)) rt_fail("a list is too long");
  list *made = rt_allocate(sizeof(list) + capacity * sizeof(double));
  made->count = 0;
  made->capacity = capacity;
  return made;
}

static uint32_t count_of(const list *list) { return list ? list->count : 0; }

list *rt_list_new(double capacity) { return with_capacity((uint32_t)capacity); }

list *rt_list_push(list *list, double element) {
  if (list->count == list->capacity) rt_fail("a list is full");
  list->elements[list->count++] = element;
  return list;
}

double rt_list_count(const list *list) { return count_of(list); }

double rt_list_element(const list *list, double index) { return list->elements[rt_index(index, count_of(list))]; }

static list *copy(const list *original, uint32_t room) {
  list *result = with_capacity(count_of(original) + room);
  result->count = count_of(original);
  if (original) memcpy(result->elements, original->elements, result->count * sizeof(double));
  return result;
}

list *rt_list_append(const list *list, double element) { return rt_list_push(copy(list, 1), element); }

const text *rt_list_join(const list *list, const text *separator) {
  const text *result = rt_text_new(0);
  for (uint32_t i = 0; i < count_of(list); i++) {
    if (i > 0) result = rt_text_concatenate(result, separator);
    result = rt_text_concatenate(result, rt_text_of_number(list->elements[i]));
  }
  return result;
}

list *rt_list_map(const list *original, number_function function) {
  list *result = copy(original, 0);
  for (uint32_t i = 0; i < result->count; i++) result->elements[i] = function(result->elements[i]);
  return result;
}

// The order that the program gave, for qsort's callback: two callbacks deep, libc to library to program.
static number_order current_order;

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return current_order(b, a) - current_order(a, b);
}

list *rt_list_sort(const list *original, number_order comes_before) {
  list *result = copy(original, 0);
  number_order outer = current_order;  // the order itself may sort
  current_order = comes_before;
  qsort(result->elements, result->count, sizeof(double), compare);
  current_order = outer;
  return result;
}

double rt_list_fold(const list *list, double start, number_operator combine) {
  double result = start;
  for (uint32_t i = 0; i < count_of(list); i++) result = combine(result, list->elements[i]);
  return result;
}
