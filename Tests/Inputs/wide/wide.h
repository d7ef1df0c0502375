// A program and two libraries that need no C library, for 64-bit memory. The host offers three functions.
#pragma once

typedef long (*unary)(long);

__attribute__((import_module("host"), import_name("print_string"))) void print_string(const char *text);
__attribute__((import_module("host"), import_name("show"))) void show(int what, long long value);

extern long left_value;
extern long *left_pointers[4];
extern unary left_functions[4];
extern char left_zeros[150000];
long left_next(long x);
unary left_pick(int index);
void *left_address(int index);

extern long right_value;
extern const char *right_words[3];
long right_next(long x);
long right_sum(const long *values, unsigned long count, unary f);

extern long program_value;
extern long program_table[3];
long program_next(long x);

int absent(void) __attribute__((weak));
extern int absent_value __attribute__((weak));
long chosen(long x);
