#include "calcrt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double rt_text_length(const text *string) { return string->length; }

const text *rt_text_upper(const text *string) {
  text *result = rt_text_new(string->length);
  for (uint32_t i = 0; i < string->length; i++) {
    char byte = string->bytes[i];
    result->bytes[i] = byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
  }
  return result;
}

const text *rt_text_reverse(const text *string) {
  text *result = rt_text_new(string->length);
  for (uint32_t i = 0; i < string->length; i++) result->bytes[i] = string->bytes[string->length - 1 - i];
  return result;
}

const text *rt_text_concatenate(const text *left, const text *right) {
  text *result = rt_text_new((size_t)left->length + right->length);
  memcpy(result->bytes, left->bytes, left->length);
  memcpy(result->bytes + left->length, right->bytes, right->length);
  return result;
}

int rt_text_compare(const text *left, const text *right) {
  uint32_t common = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->bytes, right->bytes, common);
  return order ? order : (left->length > right->length) - (left->length < right->length);
}

const text *rt_text_character(const text *string, double index) {
  return rt_one_character((unsigned char)string->bytes[rt_index(index, string->length)]);
}

// Calls back into the program once for each word; spaces stay as they are.
const text *rt_text_map_words(const text *string, text_function function) {
  const text *result = rt_text_new(0);
  uint32_t i = 0;
  while (i < string->length) {
    uint32_t start = i;
    int is_word = string->bytes[i] != ' ';
    while (i < string->length && (string->bytes[i] != ' ') == is_word) i++;
    text *piece = rt_text_new(i - start);
    memcpy(piece->bytes, string->bytes + start, i - start);
    result = rt_text_concatenate(result, is_word ? function(piece) : piece);
  }
  return result;
}

const text *rt_text_of_number(double number) {
  char digits[32];
  int length = snprintf(digits, sizeof digits, "%.15g", number);
  if (length == 1) return rt_one_character((unsigned char)digits[0]);
  text *result = rt_text_new((size_t)length);
  memcpy(result->bytes, digits, (size_t)length);
  return result;
}

double rt_number_of_text(const text *string) {
  char digits[64];
  if (string->length >= sizeof digits) rt_fail("this string is too long for a number");
  memcpy(digits, string->bytes, string->length);
  digits[string->length] = 0;
  char *end;
  double number = strtod(digits, &end);
  if (end == digits || *end) rt_fail("this string is not a number");
  return number;
}
