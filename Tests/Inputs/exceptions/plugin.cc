#include "problem.h"

extern "C" {
int back(int);

int raises(int x) {
  if (x == 1) throw Problem{10};
  if (x == 2) throw Other{20};
  return x;
}

int catches(int x) {
  try {
    return back(x);
  } catch (Problem &problem) {
    return 100 + problem.code;
  } catch (Other &) {
    throw;
  }
}
}
