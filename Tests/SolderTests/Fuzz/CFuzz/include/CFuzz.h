#ifndef SOLDER_FUZZ_H
#define SOLDER_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What libFuzzer offers (https://llvm.org/docs/LibFuzzer.html), and an engine that judges modules.

/// Runs libFuzzer with the arguments of its command line.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *data, size_t size));

/// Changes bytes as libFuzzer would, by what it has learned.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

/// Loads the library of wasmtime at `path`, with every proposal that it knows on; false if there is none.
bool loadEngine(const char *path);

/// Whether the module is valid, in the engine that was loaded.
bool isValidModule(const uint8_t *data, size_t size);

#endif
