// Definitions that others need, with a name for the host and a used static.
int shared_data = 7;
int unused_data[100] = {1, 2, 3};
const char *message(void) { return "hello, world"; }
static const char same[] = "hello, world";
const char *other_message(void) { return same; }
__attribute__((noinline)) int twice(int x) { return x * 2; }
__attribute__((export_name("exported-name"))) int exported(int x) { return twice(x) + unused_data[x & 3]; }
__attribute__((used, visibility("hidden"))) static int kept(void) { return 3; }
int initial_tail = 4;
int tail_one __attribute__((section(".data.tail.one"))) = 1;
int tail_two __attribute__((section("custom_section"))) = 2;
extern int __start_custom_section, __stop_custom_section;
int span(void) { return (int)(&__stop_custom_section - &__start_custom_section); }
