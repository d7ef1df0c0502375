// A library for plain modules: it needs nobody, calls back through the program's table and uses the program's stack.
typedef int (*unary)(int);

static int calls = 100;
static char zeros[70000];
static int numbers[4] = {1, 2, 3, 4};
static int constructed;

static int triple(int x) { return 3 * x; }
int library_square(int x) { return x * x; }

// Pointers that only a relocation makes right.
static int *const pointers[3] = {&numbers[1], &calls, &constructed};
static unary const functions[2] = {triple, library_square};
int *library_shared = &numbers[2];
const char *library_text = "text of the library";

__attribute__((constructor)) static void construct(void) { constructed += 1; }

int library_apply(unary f, int x) { return f(x) + ++calls; }
unary library_pick(int index) { return functions[index]; }
int library_pointed(int index) { return *pointers[index]; }
int *library_address(int index) { return index ? &calls : numbers; }
const char *library_greeting(void) { return library_text; }

__attribute__((noinline)) static void fill(volatile char *buffer, int size) {
  for (int i = 0; i < size; i++) buffer[i] = (char)i;
}

// Where the library's stack frames are, as the program sees it.
int library_stack(void) {
  volatile char buffer[256];
  fill(buffer, 256);
  return (int)(unsigned long)&buffer[0];
}

int library_zeros(void) {
  int sum = 0;
  for (unsigned i = 0; i < sizeof zeros; i++) {
    sum += zeros[i];
    zeros[i] = 1;
  }
  return sum;
}

long long library_wide(long long a, double b) { return a + (long long)b; }
