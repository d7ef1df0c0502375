// The same inline functions, from another file.
inline int counted(int x) {
  static int count = 1;
  return count += x;
}
template <typename T> struct Box {
  T value;
  __attribute__((noinline)) T get(int more) const { return value + more; }
  static inline T kept = 4;
};
extern "C" int counted_too(int x) { return counted(x) + Box<int>{x}.get(2) + Box<int>::kept; }
