// What CPython and its extension modules expect beside WASI's C library, and what has to do something: threads, of which
// there is one, keys for its data, and where `errno` is. What only has to be there is `--stub` on the command line.
#include <errno.h>
#include <stddef.h>
#include <string.h>

int *__errno_location(void) { return &errno; }

char *realpath(const char *path, char *resolved) { return resolved ? strcpy(resolved, path) : strdup(path); }

static int self;
void *pthread_self(void) { return &self; }

int pthread_create(void *thread, const void *attributes, void *(*function)(void *), void *argument) {
  (void)thread, (void)attributes, (void)function, (void)argument;
  return EAGAIN;
}

// A lock that is taken twice by one thread would never be free again; CPython asks whether it is taken.
int pthread_mutex_lock(int *mutex) { return *mutex = 1, 0; }
int pthread_mutex_unlock(int *mutex) { return *mutex = 0, 0; }
int pthread_mutex_trylock(int *mutex) { return *mutex ? EBUSY : pthread_mutex_lock(mutex); }
int pthread_mutex_init(int *mutex, const void *attributes) { return (void)attributes, *mutex = 0, 0; }

enum { keyCount = 64 };
static const void *values[keyCount];
static unsigned char used[keyCount];

int pthread_key_create(unsigned *key, void (*destroy)(void *)) {
  (void)destroy;
  for (unsigned candidate = 0; candidate < keyCount; candidate++) {
    if (used[candidate]) continue;
    used[candidate] = 1;
    values[candidate] = NULL;
    *key = candidate;
    return 0;
  }
  return EAGAIN;
}
int pthread_key_delete(unsigned key) { return used[key] = 0, 0; }
void *pthread_getspecific(unsigned key) { return (void *)values[key]; }
int pthread_setspecific(unsigned key, const void *value) { return values[key] = value, 0; }
