#pragma once
typedef struct {
  const char *word;
  int (*function)(int);
} part;
extern const part first_part, second_part;
extern int common_count;
int first(int x);
int second(int x);
int third(int x);
int unused(int x);
