#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_word(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

int main(int argc, char **argv) {
  const part *parts[] = {&first_part, &second_part};
  for (int i = 0; i < 2; i++) printf("%s: %d\n", parts[i]->word, parts[i]->function(i + 5));
  printf("%d %d %d\n", common_count, argc, parts[0]->function == first);
  for (int i = 1; i < argc; i++) printf("argument %s\n", argv[i]);
  char *words[] = {strdup("pear"), strdup("apple"), strdup("fig")};
  qsort(words, 3, sizeof *words, by_word);
  printf("%s %s %s %.6Lf\n", words[0], words[1], words[2], strtold("2.718281828", NULL));
  char *large = malloc(3000000);
  memset(large, 7, 3000000);
  printf("%d\n", large[2999999]);
  return atoi("3");
}
