/* SPDX-License-Identifier: Apache-2.0 */
/* The gate between an unlucky reader and a writer: it holds while somebody holds it up, and no longer. */
#include "store.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "storage/kv_internal.h"

static int gate;

static int setup(void **state) {
  store_setup(state);
  gate = rem_kv__gate_open(folder, false);
  return gate < 0;
}

static int teardown(void **state) {
  rem_kv__gate_close(gate);
  return store_teardown(state);
}

static void write_one(void) {
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, REM_CF_META, text("key"), text("value"));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
}

static uint64_t raised_until(void) {
  uint8_t bytes[8] = {0};
  return pread(gate, bytes, 8, 0) == 8 ? rem_load_u64le(bytes) : 0;
}

static atomic_bool written;

static void *write_in_thread(void *context) {
  (void)context;
  write_one();
  atomic_store(&written, true);
  return NULL;
}

static void test_a_writer_waits_while_the_gate_is_raised(void **state) {
  (void)state;
  pthread_t writer;
  atomic_store(&written, false);
  rem_kv__gate_raise(gate, 9);
  pthread_create(&writer, NULL, write_in_thread, NULL);
  usleep(30000);
  assert_false(atomic_load(&written));
  rem_kv__gate_lower(gate);
  pthread_join(writer, NULL);
  assert_true(atomic_load(&written));
  assert_int_equal(raised_until(), 0);
}

static void test_the_last_of_several_readers_lowers_it(void **state) {
  (void)state;
  int other = rem_kv__gate_open(folder, false);
  rem_kv__gate_raise(gate, 9);
  rem_kv__gate_raise(other, 9);
  rem_kv__gate_lower(gate);
  assert_true(raised_until() > 0);
  rem_kv__gate_lower(other);
  assert_int_equal(raised_until(), 0);
  rem_kv__gate_close(other);
}

static void test_a_reader_that_died_holds_nobody_up(void **state) {
  (void)state;
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    rem_kv__gate_raise(rem_kv__gate_open(folder, false), 9);
    (void)!write(ready[1], "", 1);
    pause();
    _exit(0);
  }
  char byte;
  assert_int_equal(read(ready[0], &byte, 1), 1);
  assert_true(raised_until() > 0);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  write_one();
  assert_int_equal(raised_until(), 0); /* found abandoned, not waited out */
  close(ready[0]);
  close(ready[1]);
}

static void test_nonsense_in_the_file_is_no_obstacle(void **state) {
  (void)state;
  static const uint8_t far_off[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F};
  assert_int_equal(pwrite(gate, far_off, 8, 0), 8);
  write_one();
  assert_int_equal(ftruncate(gate, 3), 0);
  write_one();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_writer_waits_while_the_gate_is_raised, setup, teardown),
      cmocka_unit_test_setup_teardown(test_the_last_of_several_readers_lowers_it, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_reader_that_died_holds_nobody_up, setup, teardown),
      cmocka_unit_test_setup_teardown(test_nonsense_in_the_file_is_no_obstacle, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
