// Throws and catches with the instructions for it: a tag, and tables of exceptions.
extern "C" int risky(int x) {
  if (x == 42) __builtin_wasm_throw(0, &x);
  return x;
}
