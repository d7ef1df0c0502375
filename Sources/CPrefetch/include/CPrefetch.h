#ifndef SOLDER_PREFETCH_H
#define SOLDER_PREFETCH_H

// The one processor instruction that Swift has no name for.

/// Asks the processor to bring the line of memory at `address` into its cache. Does nothing where that cannot be read.
static inline void prefetch(const void *address) { __builtin_prefetch(address); }

#endif
