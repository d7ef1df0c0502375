// What the world of demo.wit exports, as the Canonical ABI has it, in a library. What was given back shows in the counter.
#define EXPORT(name) __attribute__((export_name(name)))
typedef __SIZE_TYPE__ size_t;

static char heap[65536];
static size_t used;
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  used = (used + alignment - 1) & ~(alignment - 1);
  char *place = heap + used;
  used += size;
  for (size_t i = 0; i < old_size && i < size; i++) place[i] = ((char *)old)[i];
  return place;
}

static struct { char *data; size_t length; } text;
static int returned;
EXPORT("test:demo/text#greet") void *greet(const char *name, size_t length) {
  static const char hello[7] = "hello, ";
  text.data = cabi_realloc(0, 0, 1, sizeof hello + length);
  text.length = sizeof hello + length;
  for (size_t i = 0; i < text.length; i++) text.data[i] = i < sizeof hello ? hello[i] : name[i - sizeof hello];
  return &text;
}
EXPORT("cabi_post_test:demo/text#greet") void greet_returned(void *result) { returned += result == &text; }

__attribute__((import_module("[export]test:demo/text"), import_name("[resource-new]counter"))) int counter_new(int *);
EXPORT("test:demo/text#[constructor]counter") int counter(int start) {
  int *place = cabi_realloc(0, 0, 4, 4);
  *place = start;
  return counter_new(place);
}
EXPORT("test:demo/text#[method]counter.next") int next(int *self) { return (*self)++ + 100 * returned; }
EXPORT("test:demo/text#[dtor]counter") void drop(int *self) { *self = 0; }
