#define _GNU_SOURCE
#include "CPlatform.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Only what POSIX allows in a handler is done here: unlink, mmap, sigaction, raise and lock-free atomics.

static atomic_bool handlesSignals;
static atomic_bool isNaming;
static atomic_bool isEnding;
static sigset_t maskBefore;
static char temporaryPath[PATH_MAX];
static atomic_bool hasTemporary;
static atomic_uintptr_t lostPage;
static long pageSize;

void setTemporaryFile(const char *path) {
  // Where many links share a process, nobody would ask for the one name there is room for.
  if (!atomic_load(&handlesSignals)) return;
  atomic_store(&hasTemporary, false);
  if (path == NULL || strlen(path) >= sizeof temporaryPath) return;
  strcpy(temporaryPath, path);
  atomic_store(&hasTemporary, true);
}

const void *lostInput(void) { return (const void *)atomic_load(&lostPage); }

void beginNaming(void) {
  if (!atomic_load(&handlesSignals)) return;
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGHUP);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, &maskBefore);
  atomic_store(&isNaming, true);
  if (!atomic_load(&isEnding)) return;
  // Another thread is about to end the process, and waits for this.
  atomic_store(&isNaming, false);
  while (true) poll(NULL, 0, 1000);
}

void endNaming(void) {
  if (!atomic_load(&handlesSignals)) return;
  atomic_store(&isNaming, false);
  pthread_sigmask(SIG_SETMASK, &maskBefore, NULL);
}

static void endBySignal(int number) {
  atomic_store(&isEnding, true);
  while (atomic_load(&isNaming)) poll(NULL, 0, 1);
  if (atomic_load(&hasTemporary)) unlink(temporaryPath);
  // The handler was for one time: the signal now does what it does by default, and whoever waits sees why.
  raise(number);
}

static void giveZeros(int number, siginfo_t *signal, void *context) {
  (void)context;
  if (signal->si_code == BUS_ADRERR) {
    uintptr_t page = (uintptr_t)signal->si_addr & ~((uintptr_t)pageSize - 1);
    uintptr_t none = 0;
    atomic_compare_exchange_strong(&lostPage, &none, (uintptr_t)signal->si_addr);
    if (mmap((void *)page, pageSize, PROT_READ, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) != MAP_FAILED) return;
  }
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(number, &standard, NULL);
}

void handleSignals(void) {
  pageSize = sysconf(_SC_PAGESIZE);
  atomic_store(&handlesSignals, true);
  const int ending[] = {SIGHUP, SIGINT, SIGTERM};
  for (int index = 0; index < 3; index++) {
    struct sigaction before;
    // What whoever started the program wants ignored, as `nohup` does, stays ignored.
    if (sigaction(ending[index], NULL, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action = {.sa_handler = endBySignal, .sa_flags = (int)SA_RESETHAND};
    sigaction(ending[index], &action, NULL);
  }
  struct sigaction action = {.sa_sigaction = giveZeros, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
}
