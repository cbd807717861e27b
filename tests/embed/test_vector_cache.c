/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of vectors: what was put is found, nothing else is; it stays within its bound, and survives other processes, kills and damage. */
#include "embed/vector_cache.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define DIMENSION 16
#define MIB ((uint64_t)1 << 20)

static char folder[64];
static const uint8_t one[32] = {1}, other[32] = {2};

static int setup(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/rem-cache-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  return rem_file_remove_tree(folder, NULL) == REM_OK ? 0 : -1;
}

static rem_vector_cache *open_cache(const uint8_t identity[32], uint64_t max_bytes) {
  rem_vector_cache *cache = NULL;
  rem_error error = {0};
  if (rem_vector_cache_open(folder, max_bytes, identity, DIMENSION, &cache, &error) < 0)
    fail_msg("%s", error.message);
  return cache;
}

static void key_of(unsigned number, uint8_t key[REM_VECTOR_CACHE_KEY_SIZE]) {
  char text[32];
  snprintf(text, sizeof text, "text %u", number);
  rem_vector_cache_key(REM_PASSAGE, rem_slice_text(text), key);
}

static void vector_of(unsigned number, float values[DIMENSION]) {
  for (unsigned i = 0; i < DIMENSION; i++)
    values[i] = (float)number + (float)i / DIMENSION;
}

static void put(rem_vector_cache *cache, unsigned number) {
  uint8_t key[REM_VECTOR_CACHE_KEY_SIZE];
  float values[DIMENSION];
  const float *vector = values;
  key_of(number, key);
  vector_of(number, values);
  rem_vector_cache_put(cache, key, &vector, 1);
}

/* Is it there? What is there must be right. */
static bool has(rem_vector_cache *cache, unsigned number) {
  uint8_t key[REM_VECTOR_CACHE_KEY_SIZE];
  float values[DIMENSION], wanted[DIMENSION];
  key_of(number, key);
  vector_of(number, wanted);
  if (!rem_vector_cache_get(cache, key, values))
    return false;
  assert_memory_equal(values, wanted, sizeof wanted);
  return true;
}

static unsigned count_held(rem_vector_cache *cache, unsigned count) {
  unsigned held = 0;
  for (unsigned i = 0; i < count; i++)
    held += has(cache, i);
  return held;
}

static void forget(unsigned number) {
  uint8_t key[REM_VECTOR_CACHE_KEY_SIZE];
  rem_error error = {0};
  key_of(number, key);
  if (rem_vector_cache_forget(folder, key, 1, &error) < 0)
    fail_msg("%s", error.message);
}

/* The path of the only file, or of `identity`'s. */
static void path_of(const uint8_t identity[32], char path[128]) {
  snprintf(path, 128, "%s/embeddings/%02x00000000000000.vectors", folder, identity[0]);
}

static uint64_t size_of(const uint8_t identity[32]) {
  char path[128];
  struct stat info;
  path_of(identity, path);
  return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

/* ------------------------------------------------------------------------------------------- */

static void what_was_put_is_found_and_nothing_else(void **state) {
  (void)state;
  rem_vector_cache *cache = open_cache(one, 64 * MIB);
  assert_false(has(cache, 1));
  assert_int_equal(size_of(one), 0); /* asking makes no file */
  for (unsigned i = 0; i < 5000; i++)
    put(cache, i);
  assert_int_equal(count_held(cache, 5000), 5000);
  assert_false(has(cache, 5000));
  put(cache, 7); /* again: nothing changes */
  assert_true(has(cache, 7));
  rem_vector_cache_close(cache);
  cache = open_cache(one, 64 * MIB);
  assert_int_equal(count_held(cache, 5000), 5000);
  rem_vector_cache *another = open_cache(other, 64 * MIB); /* another model's vectors are others */
  assert_false(has(another, 7));
  rem_vector_cache_close(another);
  rem_vector_cache_close(cache);
}

static void roles_have_keys_of_their_own(void **state) {
  (void)state;
  uint8_t passage[REM_VECTOR_CACHE_KEY_SIZE], query[REM_VECTOR_CACHE_KEY_SIZE];
  rem_vector_cache_key(REM_PASSAGE, rem_slice_text("x"), passage);
  rem_vector_cache_key(REM_QUERY, rem_slice_text("x"), query);
  assert_memory_not_equal(passage, query, sizeof passage);
}

static void files_are_private_and_hold_no_text(void **state) {
  (void)state;
  char path[128];
  struct stat info;
  rem_bytes content = {0};
  rem_vector_cache *cache = open_cache(one, MIB);
  put(cache, 4711);
  path_of(one, path);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(rem_file_read(path, MIB, &content, NULL), REM_OK);
  assert_null(memmem(content.data, content.size, "4711", 4));
  rem_bytes_free(&content);
  rem_vector_cache_close(cache);
}

static void it_stays_within_its_bound_and_keeps_going(void **state) {
  (void)state;
  rem_vector_cache *cache = open_cache(one, MIB);
  for (unsigned i = 0; i < 30000; i++)
    put(cache, i);
  assert_true(size_of(one) <= MIB);
  unsigned held = count_held(cache, 30000);
  assert_in_range(held, 2000, MIB / (DIMENSION * sizeof(float)));
  put(cache, 30001); /* the newest is always held */
  assert_true(has(cache, 30001));
  rem_vector_cache_close(cache);
}

static void an_old_model_makes_room_for_a_new_one(void **state) {
  (void)state;
  rem_vector_cache *cache = open_cache(one, MIB), *next = open_cache(other, MIB);
  for (unsigned i = 0; i < 20000; i++)
    put(cache, i);
  uint64_t before = size_of(one);
  assert_true(before > MIB / 4);
  put(next, 1);
  assert_true(has(next, 1));
  assert_true(size_of(one) + size_of(other) <= MIB);
  rem_vector_cache_close(cache);
  rem_vector_cache_close(next);
  cache = open_cache(one, 4096); /* not even one bucket fits: no cache, and no error */
  put(cache, 1);
  assert_false(has(cache, 1));
  rem_vector_cache_close(cache);
}

static void what_is_forgotten_is_gone_from_every_model(void **state) {
  (void)state;
  float values[DIMENSION];
  rem_bytes content = {0};
  char path[128];
  rem_vector_cache *cache = open_cache(one, MIB), *next = open_cache(other, MIB);
  for (unsigned i = 0; i < 100; i++) {
    put(cache, i);
    put(next, i);
  }
  path_of(one, path);
  snprintf(path + strlen(path), 8, ".new"); /* left by a doubling that was cut short */
  assert_int_equal(rem_file_write_atomic(path, "half", 4, 0600, NULL), REM_OK);
  forget(50);
  assert_false(has(cache, 50));
  assert_false(has(next, 50));
  assert_int_equal(count_held(cache, 100), 99);
  assert_false(rem_file_exists(path));
  path_of(one, path);
  vector_of(50, values);
  assert_int_equal(rem_file_read(path, MIB, &content, NULL), REM_OK);
  assert_null(memmem(content.data, content.size, values, sizeof values));
  rem_bytes_free(&content);
  forget(4711); /* was never there */
  rem_vector_cache_close(cache);
  rem_vector_cache_close(next);
  assert_int_equal(rem_file_remove_tree(folder, NULL), REM_OK);
  forget(1); /* no folder at all */
}

static void who_has_an_old_file_open_finds_the_new_one(void **state) {
  (void)state;
  rem_vector_cache *stale = open_cache(one, 64 * MIB), *busy = open_cache(one, 64 * MIB);
  put(stale, 0);
  for (unsigned i = 1; i < 3000; i++) /* doubles the file under the other's hands */
    put(busy, i);
  put(stale, 3000);
  assert_int_equal(count_held(stale, 3001), 3001);
  assert_int_equal(count_held(busy, 3001), 3001);
  rem_vector_cache_close(stale);
  rem_vector_cache_close(busy);
}

/* Random bytes are written over random places; what is found is right all the same (has() checks), and the cache goes on. */
static void damage_is_never_believed(void **state) {
  (void)state;
  unsigned seed = (unsigned)time(NULL);
  print_message("seed %u\n", seed);
  srand(seed);
  char path[128];
  path_of(one, path);
  for (int round = 0; round < 60; round++) {
    rem_vector_cache *cache = open_cache(one, MIB);
    for (unsigned i = 0; i < 200; i++)
      put(cache, i);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    off_t size = (off_t)size_of(one);
    for (int i = 0; i < 20; i++) {
      uint8_t noise[40];
      for (size_t j = 0; j < sizeof noise; j++)
        noise[j] = (uint8_t)rand();
      off_t at = round % 4 == 0 && i == 0 ? rand() % 64 : rand() % size;
      assert_true(pwrite(fd, noise, 1 + (size_t)rand() % sizeof noise, at) > 0);
    }
    if (round % 10 == 9)
      assert_int_equal(ftruncate(fd, rand() % size), 0);
    close(fd);
    count_held(cache, 200);
    rem_vector_cache_close(cache);
    cache = open_cache(one, MIB);
    count_held(cache, 200);
    put(cache, 1000);
    assert_true(has(cache, 1000));
    rem_vector_cache_close(cache);
  }
}

/* Processes put and double at once and are killed in the middle. */
static void processes_share_it_and_are_killed(void **state) {
  (void)state;
  enum { CHILDREN = 4, ROUNDS = 6 };
  for (int round = 0; round < ROUNDS; round++) {
    pid_t children[CHILDREN];
    for (int c = 0; c < CHILDREN; c++) {
      children[c] = fork();
      if (children[c] == 0) {
        rem_vector_cache *cache = open_cache(one, 8 * MIB);
        for (unsigned i = (unsigned)(c * 1000);; i = (i + 1) % 20000)
          put(cache, i);
      }
    }
    struct timespec while_they_work = {.tv_nsec = 50000000};
    nanosleep(&while_they_work, NULL);
    for (int c = 0; c < CHILDREN; c++) {
      kill(children[c], SIGKILL);
      waitpid(children[c], NULL, 0);
    }
    rem_vector_cache *cache = open_cache(one, 8 * MIB);
    count_held(cache, 20000);
    put(cache, 30000);
    assert_true(has(cache, 30000));
    assert_true(size_of(one) <= 8 * MIB);
    rem_vector_cache_close(cache);
  }
}

static void memory_that_runs_out_is_a_status(void **state) {
  (void)state;
  rem_vector_cache *cache = NULL;
  for (int64_t at = 1;; at++) {
    rem_error error = {0};
    rem_alloc_fail_at(at, 0);
    rem_status status = rem_vector_cache_open(folder, MIB, one, DIMENSION, &cache, &error);
    rem_alloc_fail_at(0, 0);
    if (status == REM_OK)
      break;
    assert_int_equal(status, REM_NOMEM);
  }
  rem_vector_cache_close(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_put_is_found_and_nothing_else, setup, teardown),
      cmocka_unit_test(roles_have_keys_of_their_own),
      cmocka_unit_test_setup_teardown(files_are_private_and_hold_no_text, setup, teardown),
      cmocka_unit_test_setup_teardown(it_stays_within_its_bound_and_keeps_going, setup, teardown),
      cmocka_unit_test_setup_teardown(an_old_model_makes_room_for_a_new_one, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_forgotten_is_gone_from_every_model, setup, teardown),
      cmocka_unit_test_setup_teardown(who_has_an_old_file_open_finds_the_new_one, setup, teardown),
      cmocka_unit_test_setup_teardown(damage_is_never_believed, setup, teardown),
      cmocka_unit_test_setup_teardown(processes_share_it_and_are_killed, setup, teardown),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_a_status, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
