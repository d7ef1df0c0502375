// Makes the n-th call of a function of the system fail, for programs that are run with this library preloaded.
//
//   FAULT_CALL    the function
//   FAULT_NUMBER  which of its calls fails, counted from 1; 0 for none
//   FAULT_ERROR   the error's number
//   FAULT_LOG     a file that receives a letter for each call of that function
//
// Only what the program itself calls is counted: what the dynamic linker and other libraries do on their own would end it
// before it begins.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uintptr_t programStart, programEnd;
static const char *chosen = "";
static int number, error, logFile = -1;
static atomic_int count;

static int findProgram(struct dl_phdr_info *information, size_t size, void *data) {
  (void)size;
  (void)data;
  for (int index = 0; index < information->dlpi_phnum; index++) {
    const ElfW(Phdr) *header = &information->dlpi_phdr[index];
    if (header->p_type != PT_LOAD) continue;
    uintptr_t start = information->dlpi_addr + header->p_vaddr;
    if (programStart == 0 || start < programStart) programStart = start;
    if (start + header->p_memsz > programEnd) programEnd = start + header->p_memsz;
  }
  // The program comes first.
  return 1;
}

__attribute__((constructor)) static void begin(void) {
  dl_iterate_phdr(findProgram, NULL);
  const char *text = getenv("FAULT_NUMBER");
  number = text ? atoi(text) : 0;
  text = getenv("FAULT_ERROR");
  error = text ? atoi(text) : EIO;
  text = getenv("FAULT_LOG");
  if (text) logFile = (int)syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  text = getenv("FAULT_CALL");
  if (text) chosen = text;
}

static bool fails(const char *name, const void *caller) {
  if ((uintptr_t)caller < programStart || (uintptr_t)caller >= programEnd) return false;
  if (strcmp(name, chosen) != 0) return false;
  if (logFile >= 0) syscall(SYS_write, logFile, ".", 1);
  return atomic_fetch_add(&count, 1) + 1 == number;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAULT(type, name, failure, parameters, ...)                   \
  type name parameters {                                              \
    if (fails(#name, __builtin_return_address(0))) {                  \
      errno = error;                                                  \
      return failure;                                                 \
    }                                                                 \
    return REAL(name)(__VA_ARGS__);                                   \
  }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (fails("open", __builtin_return_address(0))) {
    errno = error;
    return -1;
  }
  return REAL(open)(path, flags, mode);
}

// A descriptor is gone although `close` fails.
int close(int file) {
  if (!fails("close", __builtin_return_address(0))) return REAL(close)(file);
  REAL(close)(file);
  errno = error;
  return -1;
}

// These tell the error by what they return.
int posix_fallocate(int file, off_t offset, off_t length) {
  return fails("posix_fallocate", __builtin_return_address(0)) ? error : REAL(posix_fallocate)(file, offset, length);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  if (fails("pthread_create", __builtin_return_address(0))) return EAGAIN;
  return REAL(pthread_create)(thread, attributes, start, argument);
}

// Half of what there is to write, which is no error.
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  if (fails("pwrite", __builtin_return_address(0))) {
    if (error == 0) return REAL(pwrite)(file, bytes, (size + 1) / 2, offset);
    errno = error;
    return -1;
  }
  return REAL(pwrite)(file, bytes, size, offset);
}

FAULT(ssize_t, read, -1, (int file, void *bytes, size_t size), file, bytes, size)
FAULT(ssize_t, write, -1, (int file, const void *bytes, size_t size), file, bytes, size)
FAULT(int, fstat, -1, (int file, struct stat *status), file, status)
FAULT(int, stat, -1, (const char *restrict path, struct stat *restrict status), path, status)
FAULT(int, access, -1, (const char *path, int mode), path, mode)
FAULT(int, rename, -1, (const char *from, const char *to), from, to)
FAULT(int, linkat, -1, (int folder, const char *path, int other, const char *name, int flags), folder, path, other, name, flags)
FAULT(int, dup, -1, (int file), file)
FAULT(int, unlink, -1, (const char *path), path)
FAULT(char *, getcwd, NULL, (char *buffer, size_t size), buffer, size)
FAULT(void *, mmap, MAP_FAILED, (void *address, size_t size, int access, int flags, int file, off_t offset), address, size, access,
      flags, file, offset)
