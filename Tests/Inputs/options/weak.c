// Weak definitions of what others may define strongly, and an alias.
__attribute__((weak)) int twice(int x) { return x * 3; }
__attribute__((weak)) int maybe(int x) { return x + 100; }
__attribute__((weak)) int maybe_data = 9;
int alias_target(int x) { return x - 1; }
extern int alias(int) __attribute__((alias("alias_target")));
extern int weak_alias(int) __attribute__((weak, alias("alias_target")));
extern unsigned char __data_end, __heap_base, __global_base, __stack_low, __stack_high, __heap_end;
unsigned long places(void) {
  return (unsigned long)&__data_end + (unsigned long)&__heap_base + (unsigned long)&__global_base;
}
