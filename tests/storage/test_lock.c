/* SPDX-License-Identifier: Apache-2.0 */
/* rem.lock: one holder, told apart by process, free as soon as the holder is gone. */
#include "storage_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "storage/lock.h"

static char *folder;

static int setup(void **state) {
  (void)state;
  folder = folder_new();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_free(folder);
  return 0;
}

/* A child that takes the lock, says so and waits to be killed. */
static pid_t holder_start(void) {
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    rem_lock *lock = NULL;
    rem_error err;
    char byte = rem_lock_acquire(folder, 0, &lock, &err) == REM_OK;
    if (write(ready[1], &byte, 1) != 1)
      _exit(1);
    pause();
    _exit(0);
  }
  char byte = 0;
  assert_int_equal(read(ready[0], &byte, 1), 1);
  assert_int_equal(byte, 1);
  close(ready[0]);
  close(ready[1]);
  return child;
}

static void child_end(pid_t child) {
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_a_second_open_in_the_process_is_locked(void **state) {
  (void)state;
  rem_lock *first = NULL, *second = NULL;
  rem_error err = {0};
  assert_ok(rem_lock_acquire(folder, 0, &first, &err));
  assert_int_equal(rem_lock_holder(folder), getpid());
  assert_status(rem_lock_acquire(folder, 0, &second, &err), REM_LOCKED);
  assert_null(second);
  assert_non_null(strstr(err.message, "in this process"));
  rem_lock_release(first);
  assert_int_equal(rem_lock_holder(folder), 0);
  assert_ok(rem_lock_acquire(folder, 0, &second, &err));
  rem_lock_release(second);
}

static void test_another_process_is_named_and_its_death_frees_the_lock(void **state) {
  (void)state;
  pid_t child = holder_start();
  rem_lock *lock = NULL;
  rem_error err = {0};
  char pid[32];
  snprintf(pid, sizeof pid, "process %ld", (long)child);
  assert_status(rem_lock_acquire(folder, 0, &lock, &err), REM_LOCKED);
  assert_non_null(strstr(err.message, pid));
  assert_true(err.hint[0]);
  assert_int_equal(rem_lock_holder(folder), child);
  child_end(child);
  assert_int_equal(rem_lock_holder(folder), 0);
  assert_ok(rem_lock_acquire(folder, 0, &lock, &err)); /* what the dead one wrote is no obstacle */
  assert_int_equal(rem_lock_holder(folder), getpid());
  rem_lock_release(lock);
}

static void test_waiting_ends_when_the_holder_does(void **state) {
  (void)state;
  pid_t child = holder_start();
  rem_lock *lock = NULL;
  rem_error err = {0};
  int64_t start = rem_clock_monotonic_us();
  assert_status(rem_lock_acquire(folder, 60, &lock, &err), REM_LOCKED);
  assert_true(rem_clock_monotonic_us() - start >= 60000);
  pid_t killer = fork();
  if (killer == 0) {
    usleep(50000);
    kill(child, SIGKILL);
    _exit(0);
  }
  assert_ok(rem_lock_acquire(folder, 30000, &lock, &err));
  rem_lock_release(lock);
  waitpid(killer, NULL, 0);
  waitpid(child, NULL, 0);
}

static void test_nonsense_in_the_file_does_no_harm(void **state) {
  (void)state;
  char path[300];
  rem_error err = {0};
  snprintf(path, sizeof path, "%s/rem.lock", folder);
  FILE *file = fopen(path, "w");
  fputs("pid 99999999999999999999 start -5 \1\2\3", file);
  fclose(file);
  assert_int_equal(rem_lock_holder(folder), 0);
  rem_lock *lock = NULL, *second = NULL;
  assert_ok(rem_lock_acquire(folder, 0, &lock, &err));
  file = fopen(path, "w");
  fclose(file); /* emptied by somebody while it is held */
  assert_status(rem_lock_acquire(folder, 0, &second, &err), REM_LOCKED);
  assert_non_null(strstr(err.message, "another process"));
  rem_lock_release(lock);
}

static void test_a_forked_child_does_not_keep_the_lock(void **state) {
  (void)state;
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t holder = fork();
  if (holder == 0) {
    rem_lock *lock = NULL;
    rem_error err;
    if (rem_lock_acquire(folder, 0, &lock, &err) != REM_OK)
      _exit(1);
    if (fork() == 0) { /* it speaks for itself: its copy of the lock is closed when its fork() returns */
      pid_t self = getpid();
      (void)!write(ready[1], &self, sizeof self);
    }
    pause();
  }
  pid_t grandchild;
  assert_int_equal(read(ready[0], &grandchild, sizeof grandchild), sizeof grandchild);
  rem_lock *lock = NULL;
  rem_error err = {0};
  assert_status(rem_lock_acquire(folder, 0, &lock, &err), REM_LOCKED);
  child_end(holder);
  assert_ok(rem_lock_acquire(folder, 0, &lock, &err)); /* although the grandchild lives */
  assert_int_equal(kill(grandchild, 0), 0);
  kill(grandchild, SIGKILL);
  rem_lock_release(lock);
  close(ready[0]);
  close(ready[1]);
}

static void test_a_missing_folder_holds_no_database(void **state) {
  (void)state;
  rem_lock *lock = NULL;
  rem_error err = {0};
  assert_status(rem_lock_acquire("/nonexistent/folder", 0, &lock, &err), REM_UNKNOWN);
  assert_non_null(strstr(err.message, "/nonexistent/folder"));
  rem_lock_release(NULL);
}

#define with(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      with(test_a_second_open_in_the_process_is_locked),
      with(test_another_process_is_named_and_its_death_frees_the_lock),
      with(test_waiting_ends_when_the_holder_does),
      with(test_nonsense_in_the_file_does_no_harm),
      with(test_a_forked_child_does_not_keep_the_lock),
      with(test_a_missing_folder_holds_no_database),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
