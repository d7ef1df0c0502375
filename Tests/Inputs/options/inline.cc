// Inline functions and templates, with data of their own and exceptions.
extern "C" int twice(int);
template <typename T> struct Box {
  T value;
  __attribute__((noinline)) T get(int more) const { return value + more; }
  static inline T kept = 4;
};
inline int counted(int x) {
  static int count = 1;
  return count += x;
}
struct Base {
  virtual ~Base();
  virtual int run(int x) { return x; }
};
Base::~Base() {}
struct Derived : Base {
  int run(int x) override { return twice(x) + counted(x); }
};
namespace space {
__attribute__((noinline)) int in_space(const Box<int> &box, long) { return box.get(1) + Box<int>::kept; }
}
extern "C" Base *make() {
  static Derived derived;
  return &derived;
}
extern "C" int through(int x) { return make()->run(x) + space::in_space(Box<int>{x}, 2); }
extern "C" void *__cxa_atexit_missing;
extern "C" int __cxa_guard_acquire(long long *) { return 1; }
extern "C" void __cxa_guard_release(long long *) {}
extern "C" int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }
void operator delete(void *, unsigned long) noexcept {}
void operator delete(void *) noexcept {}
extern "C" char __dso_handle = 0;
extern "C" int __cxa_pure_virtual() { return 0; }
