// What --wrap is for.
int twice(int);
int __real_twice(int);
int __wrap_twice(int x) { return __real_twice(x) + 1000; }
int through_wrap(int x) { return twice(x); }
