// Python's own command line, for CPython linked from its shared libraries.
int Py_BytesMain(int argc, char **argv);

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }

// There is no dynamic loader. Older releases know that by themselves; newer ones ask for one.
__attribute__((weak)) void *dlopen(const char *path, int mode) {
  (void)path, (void)mode;
  return 0;
}

__attribute__((weak)) void *dlsym(void *handle, const char *name) {
  (void)handle, (void)name;
  return 0;
}

__attribute__((weak)) char *dlerror(void) { return "there is no dynamic loader"; }
