// Strings of one character are so common that each exists once, made before the program starts.
#include "calcrt.h"

// Zero-initialised, filled by the constructor.
static text *one_character[256];

text *rt_text_new(size_t length) {
  if (length > UINT32_MAX - sizeof(text)) rt_fail("a string is too long");
  text *string = rt_allocate(sizeof(text) + length);
  string->length = (uint32_t)length;
  return string;
}

__attribute__((constructor)) static void make_one_character_texts(void) {
  for (int byte = 0; byte < 256; byte++) {
    text *string = rt_text_new(1);
    string->bytes[0] = (char)byte;
    one_character[byte] = string;
  }
}

const text *rt_one_character(unsigned char byte) { return one_character[byte]; }
