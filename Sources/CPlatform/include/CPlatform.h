#ifndef SOLDER_PLATFORM_H
#define SOLDER_PLATFORM_H

// What the processor and the C library offer and Swift has no name for.

#include <stddef.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/// Asks the processor to bring the line of memory at `address` into its cache. Does nothing where that cannot be read.
static inline void prefetch(const void *address) { __builtin_prefetch(address); }

/// Lets the heap grow by at least so many bytes at a time, which take no memory until they are used. Does nothing where
/// the C library has no such setting.
static inline void setHeapGrowth(int bytes) {
#if defined(__GLIBC__)
  mallopt(M_TOP_PAD, bytes);
#else
  (void)bytes;
#endif
}

#endif
