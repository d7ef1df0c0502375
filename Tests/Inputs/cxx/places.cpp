// A function that uses much of what headers define, under a name that the command line gives, or what calls two of them.
#ifdef NAME
#include <algorithm>
#include <map>
#include <string>
#include <vector>

int NAME(const char *text) {
  std::map<std::string, std::vector<int>> places;
  std::string word;
  int place = 0;
  for (const char *next = text;; next++) {
    if (*next && *next != ' ') {
      word += *next;
      continue;
    }
    places[word].push_back(place++);
    word.clear();
    if (!*next)
      break;
  }
  int sum = START;
  for (auto &[key, list] : places) {
    std::sort(list.begin(), list.end(), [](int one, int other) { return one > other; });
    sum = sum * 31 + (int)key.size() + list.front();
  }
  return sum;
}
#else
#include <stdio.h>

int first(const char *text), second(const char *text);

int main() {
  printf("%d %d\n", first("the cat and the dog"), second("a rose is a rose"));
  return 0;
}
#endif
