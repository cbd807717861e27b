/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers beside a writer that writes, flushes and compacts without pause: no open fails, and none misses a row that was
 * acknowledged before it began. The writer is this program started again (RocksDB's threads do not survive a fork). REM_SOAK=1: 5,000 opens.
 */
#include "storage_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "storage/lock.h"

#define ROWS 3000
#define LARGE_BYTES 100000

static const char *program;

/* Shared with the writer through a file: the number of the last acknowledged write. */
typedef struct shared {
  atomic_uint_fast64_t acknowledged;
} shared;

static shared *map_shared(const char *folder, int flags) {
  char path[400];
  snprintf(path, sizeof path, "%s.shared", folder);
  int file = open(path, O_RDWR | flags, 0600);
  if (file < 0 || ftruncate(file, sizeof(shared)) != 0)
    return NULL;
  shared *map = mmap(NULL, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return map;
}

/* ---- the writer ---- */

static void put_row(rem_kv_batch *batch, uint64_t number, const uint8_t *noise) {
  char key[32];
  uint8_t value[8];
  rem_store_u64le(value, number);
  snprintf(key, sizeof key, "row%llu", (unsigned long long)(number % ROWS));
  rem_kv_batch_put(batch, REM_CF_ENTITIES, text(key), rem_slice_of(noise + number % 1000, 400));
  rem_kv_batch_put(batch, REM_CF_KEY_INDEX, text(key), rem_slice_of(value, 8));
  if (number % 50 == 0)
    rem_kv_batch_put(batch, REM_CF_LARGE, text("large"), rem_slice_of(noise + number % 1000, LARGE_BYTES));
  rem_kv_batch_put(batch, REM_CF_META, text("last"), rem_slice_of(value, 8));
}

/* Every 20th write flushes, and now and then a family is compacted: manifests and files change all the time. */
static rem_status write_one(rem_kv *kv, rem_kv_batch *batch, uint64_t number, const uint8_t *noise, rem_error *err) {
  rem_kv_batch_clear(batch);
  put_row(batch, number, noise);
  REM_TRY(rem_kv_write(kv, batch, false, err));
  if (number % 20 == 0)
    REM_TRY(rem_kv_flush(kv, err));
  if (number % 100 == 0)
    REM_TRY(rem_kv_compact(kv, number % 200 ? REM_CF_ENTITIES : REM_CF_LARGE, text(""), text(""), err));
  return REM_OK;
}

static int run_writer(const char *folder) {
  static uint8_t noise[LARGE_BYTES + 2000];
  rem_error err = {0};
  rem_kv_options options;
  rem_kv *kv = NULL;
  rem_kv_batch *batch = NULL;
  shared *map = map_shared(folder, 0);
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (uint8_t)random_next();
  rem_kv_options_init(&options);
  options.mode = REM_KV_WRITE;
  if (!map || rem_kv_open(folder, &options, &kv, &err) < 0 || rem_kv_batch_new(kv, &batch, &err) < 0) {
    fprintf(stderr, "writer: %s\n", err.message);
    return 1;
  }
  for (uint64_t number = 1; write_one(kv, batch, number, noise, &err) == REM_OK; number++)
    atomic_store(&map->acknowledged, number);
  fprintf(stderr, "writer: %s\n", err.message);
  return 1;
}

static pid_t start_program(const char *mode, const char *folder) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(program, program, mode, folder, (char *)NULL);
    _exit(127);
  }
  return child;
}

/* ---- the readers ---- */

static uint64_t read_number(rem_kv *kv, rem_kv_family family, const char *key) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_error err = {0};
  rem_status status = rem_kv_get(kv, NULL, family, text(key), &pin, &err);
  if (status < 0)
    fail_msg("reading '%s': %s", key, err.message);
  return status == REM_OK ? rem_load_u64le(pin.data) : 0;
}

/* All that was acknowledged before `known` must be there, in every family. */
static void check_view(rem_kv *kv, uint64_t known) {
  uint64_t last = read_number(kv, REM_CF_META, "last");
  if (last < known)
    fail_msg("an open that began after write %llu sees only %llu", (unsigned long long)known,
             (unsigned long long)last);
  char key[32];
  for (uint64_t back = 0; back < 5 && back < last; back++) {
    snprintf(key, sizeof key, "row%llu", (unsigned long long)((last - back) % ROWS));
    assert_int_equal(read_number(kv, REM_CF_KEY_INDEX, key), last - back);
    assert_ok(rem_kv_exists(kv, NULL, REM_CF_ENTITIES, text(key), &err));
  }
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_error err = {0};
  rem_status large = rem_kv_get(kv, NULL, REM_CF_LARGE, text("large"), &pin, &err);
  assert_int_equal(large, last >= 50 ? REM_OK : REM_NOT_FOUND);
  if (large == REM_OK)
    assert_int_equal(pin.size, LARGE_BYTES);
}

static void remove_shared(const char *folder) {
  char path[400];
  snprintf(path, sizeof path, "%s.shared", folder);
  unlink(path);
}

static void wait_for_writer(const shared *map, pid_t writer) {
  while (!atomic_load(&map->acknowledged)) {
    assert_int_equal(waitpid(writer, NULL, WNOHANG), 0);
    usleep(1000);
  }
}

static void test_opens_beside_a_restless_writer_never_fail_and_are_never_stale(void **state) {
  (void)state;
  char *folder = folder_new();
  int opens = is_soak() ? 5000 : 300;
  assert_ok(rem_kv_close(kv_open(folder, REM_KV_CREATE), &err));
  shared *map = map_shared(folder, O_CREAT);
  pid_t writer = start_program("writer", folder);
  wait_for_writer(map, writer);
  uint64_t retries = 0, start = atomic_load(&map->acknowledged);
  for (int i = 0; i < opens; i++) {
    uint64_t known = atomic_load(&map->acknowledged);
    rem_kv *reader = kv_open(folder, REM_KV_READ);
    check_view(reader, known);
    rem_kv_counters counters;
    rem_kv_counters_get(reader, &counters);
    retries += counters.open_retries;
    assert_ok(rem_kv_close(reader, &err));
  }
  assert_int_equal(waitpid(writer, NULL, WNOHANG), 0); /* it went on to the end */
  print_message("%d opens, %llu retries, %llu writes meanwhile\n", opens, (unsigned long long)retries,
                (unsigned long long)(atomic_load(&map->acknowledged) - start));
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  munmap(map, sizeof *map);
  remove_shared(folder);
  folder_free(folder);
}

static void test_a_long_reader_that_refreshes_keeps_up_and_keeps_its_snapshots(void **state) {
  (void)state;
  char *folder = folder_new();
  int rounds = is_soak() ? 2000 : 150;
  assert_ok(rem_kv_close(kv_open(folder, REM_KV_CREATE), &err));
  shared *map = map_shared(folder, O_CREAT);
  pid_t writer = start_program("writer", folder);
  wait_for_writer(map, writer);
  rem_kv *reader = kv_open(folder, REM_KV_READ);
  rem_kv_snapshot *snapshot = NULL;
  uint64_t frozen = 0;
  for (int i = 0; i < rounds; i++) {
    uint64_t known = atomic_load(&map->acknowledged);
    assert_ok(rem_kv_refresh(reader, &err));
    check_view(reader, known);
    if (snapshot) {
      rem_kv_pin pin REM_AUTO_PIN = {0};
      assert_ok(rem_kv_get(reader, snapshot, REM_CF_META, text("last"), &pin, &err));
      assert_int_equal(rem_load_u64le(pin.data), frozen);
    }
    if (i % 10 == 0) {
      rem_kv_snapshot_release(snapshot);
      assert_ok(rem_kv_snapshot_acquire(reader, &snapshot, &err));
      frozen = read_number(reader, REM_CF_META, "last");
    }
  }
  rem_kv_snapshot_release(snapshot);
  assert_ok(rem_kv_close(reader, &err));
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  munmap(map, sizeof *map);
  remove_shared(folder);
  folder_free(folder);
}

/* A writer that comes and goes replaces the manifest and clears old logs away at every open. */
static int run_comer(const char *folder) {
  rem_error err = {0};
  shared *map = map_shared(folder, 0);
  for (uint64_t number = 1; map; number++) {
    rem_kv_options options;
    rem_kv *kv = NULL;
    rem_kv_batch *batch = NULL;
    uint8_t value[8];
    rem_kv_options_init(&options);
    options.mode = REM_KV_WRITE;
    if (rem_kv_open(folder, &options, &kv, &err) < 0 || rem_kv_batch_new(kv, &batch, &err) < 0)
      break;
    rem_store_u64le(value, number);
    rem_kv_batch_put(batch, REM_CF_META, text("last"), rem_slice_of(value, 8));
    if (rem_kv_write(kv, batch, false, &err) < 0)
      break;
    atomic_store(&map->acknowledged, number);
    rem_kv_batch_free(batch);
    if (rem_kv_close(kv, &err) < 0)
      break;
  }
  fprintf(stderr, "writer: %s\n", err.message);
  return 1;
}

static void test_opens_beside_writers_that_come_and_go_never_fail(void **state) {
  (void)state;
  char *folder = folder_new();
  int opens = is_soak() ? 3000 : 200;
  assert_ok(rem_kv_close(kv_open(folder, REM_KV_CREATE), &err));
  shared *map = map_shared(folder, O_CREAT);
  pid_t writer = start_program("comer", folder);
  wait_for_writer(map, writer);
  for (int i = 0; i < opens; i++) {
    uint64_t known = atomic_load(&map->acknowledged);
    rem_kv *reader = kv_open(folder, REM_KV_READ);
    assert_true(read_number(reader, REM_CF_META, "last") >= known);
    assert_ok(rem_kv_close(reader, &err));
  }
  assert_int_equal(waitpid(writer, NULL, WNOHANG), 0);
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  munmap(map, sizeof *map);
  remove_shared(folder);
  folder_free(folder);
}

int main(int count, char **arguments) {
  program = arguments[0];
  if (count == 3 && strcmp(arguments[1], "writer") == 0)
    return run_writer(arguments[2]);
  if (count == 3 && strcmp(arguments[1], "comer") == 0)
    return run_comer(arguments[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opens_beside_a_restless_writer_never_fail_and_are_never_stale),
      cmocka_unit_test(test_a_long_reader_that_refreshes_keeps_up_and_keeps_its_snapshots),
      cmocka_unit_test(test_opens_beside_writers_that_come_and_go_never_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
