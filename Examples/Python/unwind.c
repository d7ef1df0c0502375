// What Rust's panics need of an unwinder; `throw.s` has the rest.
struct exception {
  unsigned long long class;
  void (*cleanup)(int, struct exception *);
};
void _Unwind_DeleteException(struct exception *exception) {
  if (exception->cleanup) exception->cleanup(1, exception);
}
