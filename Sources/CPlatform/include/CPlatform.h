#ifndef SOLDER_PLATFORM_H
#define SOLDER_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

// What the processor and the C library offer and Swift has no name for.

/// Asks the processor to bring the line of memory at `address` into its cache. Does nothing where that cannot be read.
static inline void prefetch(const void *address) { __builtin_prefetch(address); }

/// Makes the heap of this process fit for a program that fills much memory once and ends: it grows by many megabytes at
/// a time, which take no memory until they are used, and asks the system for large pages. Call it once, from the main
/// thread, before there are others. Does nothing where the C library has no such settings.
void prepareHeap(void);

/// The same for the heap of the calling thread, if ``prepareHeap`` was called.
void prepareHeapOfThread(void);

/// Makes signals leave things in order, for a process whose only purpose is to link: one that ends it removes the file
/// that ``setTemporaryFile`` named, and reading a mapped file that has become shorter gives zeros in place of the bytes
/// that are gone, of which ``lostInput`` tells.
void handleSignals(void);

/// The path of the temporary file that a signal must not leave behind, or a null pointer. One at a time; without
/// ``handleSignals`` it does nothing.
void setTemporaryFile(const char *path);

/// Between these, a thread gives a temporary file a name or takes it away: a signal that ends the process waits for the end,
/// so that no name turns up behind its back. One thread at a time; without ``handleSignals`` they do nothing.
void beginNaming(void);
void endNaming(void);

/// An address in the mapping of a file that became shorter while it was read; a null pointer if there was none.
const void *lostInput(void);

/// The demangler of Swift's own runtime: a new string, to be freed, or a null pointer for what is no Swift name. With a
/// null `output`, `outputSize` is ignored; `flags` is 0.
char *swift_demangle(const char *name, size_t length, char *output, size_t *outputSize, uint32_t flags);

#endif
