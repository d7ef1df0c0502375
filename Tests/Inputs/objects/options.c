// A program of many kinds of symbols, on which options are tried.
__attribute__((import_module("host"), import_name("show"))) void show(int, long long);
int value = 42;
int zeros[5000];
const char text[] = "constant text";
static int used(int x) { return x + value + text[x]; }
__attribute__((noinline)) int dead_function(int x) { return x * 3; }
int exported(int x) { return used(x) + zeros[x]; }
__attribute__((visibility("hidden"))) int hidden(int x) { return x; }
__attribute__((visibility("default"))) int visible(int x) { return x + 1; }
__attribute__((export_name("renamed"))) int named(int x) { return x + 2; }
__attribute__((used)) static int kept(int x) { return x + 3; }
int other_entry(void) {
  show(9, 9);
  return 9;
}
__attribute__((constructor)) static void construct(void) { value += 1; }
void _start(void) {
  volatile int local[10];
  local[3] = exported(1);
  show(1, local[3]);
}
