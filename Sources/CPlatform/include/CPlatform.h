#ifndef SOLDER_PLATFORM_H
#define SOLDER_PLATFORM_H

// What the processor and the C library offer and Swift has no name for.

/// Asks the processor to bring the line of memory at `address` into its cache. Does nothing where that cannot be read.
static inline void prefetch(const void *address) { __builtin_prefetch(address); }

/// Makes the heap of this process fit for a program that fills much memory once and ends: it grows by many megabytes at
/// a time, which take no memory until they are used, and asks the system for large pages. Call it once, from the main
/// thread, before there are others. Does nothing where the C library has no such settings.
void prepareHeap(void);

/// The same for the heap of the calling thread, if ``prepareHeap`` was called.
void prepareHeapOfThread(void);

#endif
