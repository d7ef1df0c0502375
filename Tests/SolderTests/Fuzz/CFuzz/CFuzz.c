#include "CFuzz.h"

#include <dlfcn.h>

// The parts of wasmtime's C interface that are used here (https://docs.wasmtime.dev/c-api/).
static void *engine;
static void *(*validate)(void *engine, const uint8_t *data, size_t size);
static void (*deleteError)(void *error);

bool loadEngine(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return false;
  void *(*newConfiguration)(void) = dlsym(library, "wasm_config_new");
  void *(*newEngine)(void *) = dlsym(library, "wasm_engine_new_with_config");
  validate = dlsym(library, "wasmtime_module_validate");
  deleteError = dlsym(library, "wasmtime_error_delete");
  if (!newConfiguration || !newEngine || !validate || !deleteError) return false;
  void *configuration = newConfiguration();
  const char *const proposals[] = {
      "wasmtime_config_wasm_threads_set",        "wasmtime_config_wasm_memory64_set",
      "wasmtime_config_wasm_multi_memory_set",   "wasmtime_config_wasm_function_references_set",
      "wasmtime_config_wasm_gc_set",             "wasmtime_config_wasm_exceptions_set",
      "wasmtime_config_wasm_tail_call_set",      "wasmtime_config_wasm_relaxed_simd_set",
      "wasmtime_config_wasm_wide_arithmetic_set", "wasmtime_config_wasm_custom_page_sizes_set",
      "wasmtime_config_wasm_stack_switching_set",
  };
  for (size_t index = 0; index < sizeof proposals / sizeof *proposals; index++) {
    void (*set)(void *, bool) = dlsym(library, proposals[index]);
    if (set) set(configuration, true);
  }
  engine = newEngine(configuration);
  return engine != NULL;
}

bool isValidModule(const uint8_t *data, size_t size) {
  void *error = validate(engine, data, size);
  if (error == NULL) return true;
  deleteError(error);
  return false;
}
