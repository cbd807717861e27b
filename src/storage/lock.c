/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open-file-description lock (F_OFD_SETLK) belongs to one open(), not to the process: it keeps two opens of one process apart, and closing
 * another descriptor of the file does not drop it, as a plain fcntl lock would. It is inherited by fork(), so a child closes
 * its copies at once: otherwise a forgotten child would hold the database after its parent died.
 */
#include "storage/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#define LOCK_NAME "rem.lock"
#define TEXT_SIZE 96
#define POLL_MS 10

struct rem_lock {
  int file; /* -1 in a forked child */
  rem_lock *next;
};

/* ---- forks ---- */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static rem_lock *held;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void) {
  pthread_mutex_lock(&list_lock);
}

static void in_parent(void) {
  pthread_mutex_unlock(&list_lock);
}

static void in_child(void) {
  for (rem_lock *lock = held; lock; lock = lock->next) {
    close(lock->file);
    lock->file = -1;
  }
  held = NULL;
  pthread_mutex_unlock(&list_lock);
}

static void watch_forks(void) {
  pthread_atfork(before_fork, in_parent, in_child);
}

static void remember(rem_lock *lock) {
  pthread_mutex_lock(&list_lock);
  lock->next = held;
  held = lock;
  pthread_mutex_unlock(&list_lock);
}

static void forget(rem_lock *lock) {
  pthread_mutex_lock(&list_lock);
  rem_lock **at = &held;
  while (*at && *at != lock)
    at = &(*at)->next;
  if (*at)
    *at = lock->next;
  pthread_mutex_unlock(&list_lock);
}

/* ---- what the file says ---- */

/* Start time of a process in clock ticks since boot (proc(5), stat, field 22), which tells it from a later one of the same pid; 0: no such process. */
static unsigned long long start_of(pid_t pid) {
  char path[40], text[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  text[size > 0 ? size : 0] = 0;
  char *field = strrchr(text, ')'); /* field 2, the name, may hold anything; fields are counted behind it */
  for (int number = 2; field && number < 22; number++)
    field = strchr(field + 1, ' ');
  return field ? strtoull(field + 1, NULL, 10) : 0;
}

static void describe_holder(int file) {
  char text[TEXT_SIZE];
  int size = snprintf(text, sizeof text, "pid %ld start %llu\n", (long)getpid(), start_of(getpid()));
  /* Only the message of others depends on it. */
  if (ftruncate(file, 0) == 0 && pwrite(file, text, (size_t)size, 0) != size)
    (void)!ftruncate(file, 0);
}

static pid_t described_holder(int file) {
  char text[TEXT_SIZE];
  ssize_t size = pread(file, text, sizeof text - 1, 0);
  long pid;
  unsigned long long start;
  text[size > 0 ? size : 0] = 0;
  if (sscanf(text, "pid %ld start %llu", &pid, &start) != 2 || pid <= 0 || start_of((pid_t)pid) != start)
    return 0;
  return (pid_t)pid;
}

/* ---- the lock ---- */

static bool try_lock(int file, bool *ret_held) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(file, F_OFD_SETLK, &lock) == 0)
    return true;
  *ret_held = errno == EAGAIN || errno == EACCES;
  return false;
}

static rem_status set_locked(const char *folder, int file, rem_error *err) {
  pid_t pid = described_holder(file);
  if (pid == getpid())
    rem_error_set(err, REM_LOCKED, "the database '%s' is open for writing in this process already", folder);
  else if (pid)
    rem_error_set(err, REM_LOCKED, "the database '%s' is open for writing in process %ld", folder, (long)pid);
  else
    rem_error_set(err, REM_LOCKED, "the database '%s' is open for writing in another process", folder);
  rem_error_hint(err, "wait until that one is done, or open the database for reading");
  return REM_LOCKED;
}

static rem_status wait_for_lock(const char *folder, int file, int64_t wait_ms, rem_error *err) {
  int64_t deadline_us = rem_clock_monotonic_us() + wait_ms * 1000;
  bool is_held = false;
  while (!try_lock(file, &is_held)) {
    if (!is_held)
      return rem_error_errno(err, errno, "cannot lock", folder);
    if (rem_clock_monotonic_us() >= deadline_us)
      return set_locked(folder, file, err);
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    nanosleep(&pause, NULL);
  }
  return REM_OK;
}

static int open_lock_file(const char *folder, int flags) {
  char *path REM_AUTO_FREE = rem_path_join(folder, LOCK_NAME);
  if (!path) {
    errno = ENOMEM;
    return -1;
  }
  return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static rem_status set_unopened(const char *folder, int number, rem_error *err) {
  if (number != ENOENT && number != ENOTDIR)
    return rem_error_errno(err, number, "cannot open the lock of", folder);
  rem_error_set(err, REM_UNKNOWN, "there is no database in '%s'", folder);
  rem_error_hint(err, "check the path, or make one with `db init`");
  return REM_UNKNOWN;
}

rem_status rem_lock_acquire(const char *folder, int64_t wait_ms, rem_lock **ret_lock, rem_error *err) {
  pthread_once(&fork_once, watch_forks);
  rem_lock *lock REM_AUTO_FREE = rem_calloc(1, sizeof *lock);
  if (!lock)
    return rem_error_nomem(err);
  lock->file = open_lock_file(folder, O_RDWR | O_CREAT);
  if (lock->file < 0)
    return set_unopened(folder, errno, err);
  rem_status status = wait_for_lock(folder, lock->file, wait_ms, err);
  if (status < 0) {
    close(lock->file);
    return status;
  }
  describe_holder(lock->file);
  remember(lock);
  *ret_lock = REM_TAKE(lock);
  return REM_OK;
}

void rem_lock_release(rem_lock *lock) {
  if (!lock)
    return;
  forget(lock);
  if (lock->file >= 0) {
    (void)!ftruncate(lock->file, 0);
    close(lock->file);
  }
  rem_free(lock);
}

pid_t rem_lock_holder(const char *folder) {
  int file = open_lock_file(folder, O_RDWR);
  if (file < 0)
    return 0;
  /* F_OFD_GETLK asks without taking the lock. */
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  pid_t pid = fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? described_holder(file) : 0;
  close(file);
  return pid;
}
