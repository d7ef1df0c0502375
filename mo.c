void f(void); __attribute__((export_name("run"))) void run(void) { f(); }
