// A program without a C library whose objects may share their memory: atomics, thread-local storage, a constructor.
#pragma once

#include <stdatomic.h>

extern _Thread_local int turns;
extern atomic_int total;
extern const char *const names[];

int work(int amount);
