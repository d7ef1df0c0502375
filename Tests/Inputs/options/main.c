// A program's entry, with strong, weak, hidden and undefined references.
extern int shared_data;
extern const char *message(void);
int twice(int);
__attribute__((weak)) int maybe(int);
extern int maybe_data __attribute__((weak));
int local_state = 5;
static int zeros[20];
__attribute__((constructor)) static void begin(void) { local_state += twice(2); }
__attribute__((destructor)) static void end(void) { local_state = 0; }
__attribute__((visibility("hidden"))) int hidden_function(int x) { return x + zeros[x & 7]; }
__attribute__((noinline)) int called(int x) { return hidden_function(x) + shared_data; }
int (*table[])(int) = {called, twice, hidden_function};
int main(void) {
  const char *text = message();
  return table[text[0] & 1](local_state) + (maybe ? maybe(1) : 0) + (&maybe_data ? maybe_data : 0);
}
int _start(void) { return main(); }
