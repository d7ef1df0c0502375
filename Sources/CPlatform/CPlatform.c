#define _GNU_SOURCE
#include "CPlatform.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__linux__) && defined(__GLIBC__)

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

// The C library keeps the heap of the main thread behind the program, and those of others in areas of this size and
// alignment (`HEAP_MAX_SIZE`). If that is not so, other memory gets large pages, or none does: no harm is done.
static const uintptr_t areaSize = (uintptr_t)64 << 20;

static bool isPrepared;

static void useLargePages(uintptr_t start, uintptr_t end) {
  const uintptr_t page = (uintptr_t)2 << 20;
  start = (start + page - 1) & ~(page - 1);
  if (start < end) madvise((void *)start, end - start, MADV_HUGEPAGE);
}

void prepareHeap(void) {
  isPrepared = true;
  // Otherwise large arrays are mapped one by one, and given back to the system to be cleared for the next.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, (int)areaSize);
  // More than there is makes the heap grow, and then it reaches to the end.
  void *volatile block = malloc(1 << 20);
  free(block);
  uintptr_t end = (uintptr_t)sbrk(0);
  useLargePages(end - areaSize, end);
}

void prepareHeapOfThread(void) {
  if (!isPrepared) return;
  void *block = malloc(1);
  uintptr_t start = (uintptr_t)block & ~(areaSize - 1);
  free(block);
  useLargePages(start, start + areaSize);
}

#else

void prepareHeap(void) {}
void prepareHeapOfThread(void) {}

#endif
