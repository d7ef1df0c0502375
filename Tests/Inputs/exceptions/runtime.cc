// The least of a runtime of C++ that exceptions take: types are the same if their addresses are.
typedef __SIZE_TYPE__ size_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTPTR_TYPE__ intptr_t;

// In front of what is thrown.
struct Header {
  const void *type;
  void *padding[3];
};

struct Context {
  uintptr_t index;
  const unsigned char *data;
  uintptr_t selector;
};

static char room[4096] __attribute__((aligned(16)));
static size_t used;
static void *caught;

static uintptr_t number(const unsigned char *&place) {
  uintptr_t value = 0;
  int shift = 0;
  do {
    value |= (uintptr_t)(*place & 0x7f) << shift;
    shift += 7;
  } while (*place++ & 0x80);
  return value;
}

static intptr_t signedNumber(const unsigned char *&place) {
  intptr_t value = 0;
  int shift = 0;
  unsigned char byte;
  do {
    byte = *place++;
    value |= (intptr_t)(byte & 0x7f) << shift;
    shift += 7;
  } while (byte & 0x80);
  return byte & 0x40 ? value | -((intptr_t)1 << shift) : value;
}

extern "C" {
Context __wasm_lpad_context;
void *_ZTVN10__cxxabiv117__class_type_infoE[5];
void _ZSt9terminatev() { __builtin_trap(); }

void *__cxa_allocate_exception(size_t size) noexcept {
  char *block = room + used;
  used += sizeof(Header) + ((size + 15) & ~(size_t)15);
  return block + sizeof(Header);
}

void __cxa_throw(void *thrown, void *type, void (*)(void *)) {
  ((Header *)thrown - 1)->type = type;
  __builtin_wasm_throw(0, thrown);
}

void __cxa_rethrow() { __builtin_wasm_throw(0, caught); }
void *__cxa_begin_catch(void *thrown) noexcept { return caught = thrown; }
void __cxa_end_catch() noexcept {}

// Finds the handler of a function that takes an exception (Itanium C++ ABI: Exception Handling, 7).
int _Unwind_CallPersonality(void *thrown) {
  const unsigned char *place = __wasm_lpad_context.data;
  __wasm_lpad_context.selector = 0;
  if (*place++ != 0xff) __builtin_trap();
  const void *const *types = nullptr;
  if (*place++ != 0xff) {
    uintptr_t offset = number(place);
    types = (const void *const *)(place + offset);
  }
  ++place;
  uintptr_t length = number(place);
  const unsigned char *actions = place + length;
  uintptr_t action = 0;
  for (uintptr_t index = 0; index <= __wasm_lpad_context.index; ++index) {
    number(place);
    action = number(place);
  }
  for (const unsigned char *next = actions + action - 1; action;) {
    intptr_t filter = signedNumber(next);
    const unsigned char *link = next;
    intptr_t distance = signedNumber(next);
    const void *type = filter > 0 ? types[-filter] : nullptr;
    if (filter > 0 && (!type || type == ((Header *)thrown - 1)->type)) {
      __wasm_lpad_context.selector = filter;
      break;
    }
    if (!distance) break;
    next = link + distance;
  }
  return 6;
}
}
