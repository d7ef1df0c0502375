// Declares with other signatures what others define.
long long twice(long long, int);
void message(int);
int nowhere(void);
int uses_mismatch(int x) {
  message(x);
  return (int)twice(x, x) + nowhere();
}
