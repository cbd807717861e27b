/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of a committing process, again and again on the same database: what was acknowledged is there, each commit is there in
 * every family or in none, and the log is whole. 20 rounds; REM_SOAK=1: 200.
 */
#include "storage_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "storage/key.h"
#include "storage/lock.h"
#include "storage/log.h"

#define TENANT "t"
#define THREADS 3

static const char *program;

/* The last number whose commit was acknowledged, shared through a file. */
static atomic_uint_fast64_t *map_acknowledged(const char *folder) {
  char path[400];
  snprintf(path, sizeof path, "%s.acknowledged", folder);
  int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, 8) != 0)
    return NULL;
  atomic_uint_fast64_t *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return map;
}

/* ---- the process that is killed ---- */

typedef struct worker {
  rem_committer *committer;
  atomic_uint_fast64_t *acknowledged;
  const uint8_t *noise;
} worker;

typedef struct commit_run {
  const uint8_t *noise;
  uint64_t seq;
} commit_run;

static const rem_kv_family touched[] = {REM_CF_ENTITIES, REM_CF_LARGE, REM_CF_VECTORS, REM_CF_KEY_INDEX, REM_CF_EDGES};
#define TOUCHED (sizeof touched / sizeof *touched)

/* The number of a commit is its log sequence; it is put under that number into several families. */
static rem_status put_everywhere(void *context, rem_commit_group *group, rem_error *err) {
  commit_run *run = context;
  char key[32];
  rem_log_payload payload = {.table = text("x"), .key = text("k"), .record = rem_slice_of(run->noise, 500)};
  rem_log_append append = {.tenant = TENANT, .operation = REM_LOG_PUT, .epoch = 1, .enabled = true, .payload = &payload};
  REM_TRY(rem_log_put(group, &append, &run->seq, err));
  snprintf(key, sizeof key, "n%llu", (unsigned long long)run->seq);
  for (size_t f = 0; f < TOUCHED; f++)
    rem_commit_put(group, touched[f], text(key), rem_slice_of(run->noise, 200 + run->seq % 3000), REM_COMMIT_BLIND);
  return REM_OK;
}

static void raise_to(atomic_uint_fast64_t *number, uint64_t value) {
  uint64_t old = atomic_load(number);
  while (old < value && !atomic_compare_exchange_weak(number, &old, value))
    ;
}

static void *commit_for_ever(void *context) {
  worker *w = context;
  for (;;) {
    rem_error err = {0};
    commit_run run = {.noise = w->noise};
    rem_commit_request request = {.apply = put_everywhere, .context = &run, .sync = true};
    if (rem_commit_submit(w->committer, &request, &err) != REM_OK) {
      fprintf(stderr, "writer: %s\n", err.message);
      _exit(1);
    }
    raise_to(w->acknowledged, run.seq);
  }
  return NULL;
}

static int run_writer(const char *folder) {
  static uint8_t noise[4000];
  rem_error err = {0};
  rem_kv_options options;
  rem_kv *kv = NULL;
  rem_lock *lock = NULL;
  worker w = {.acknowledged = map_acknowledged(folder), .noise = noise};
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (uint8_t)random_next();
  rem_kv_options_init(&options);
  options.mode = REM_KV_WRITE;
  options.write_buffer_bytes = 256 << 10; /* flushes every few dozen commits */
  if (!w.acknowledged || rem_lock_acquire(folder, 0, &lock, &err) < 0 ||
      rem_kv_open(folder, &options, &kv, &err) < 0 || rem_committer_new(kv, 0, &w.committer, &err) < 0) {
    fprintf(stderr, "writer: %s\n", err.message);
    return 1;
  }
  pthread_t thread;
  for (int i = 1; i < THREADS; i++)
    pthread_create(&thread, NULL, commit_for_ever, &w);
  commit_for_ever(&w);
  return 1;
}

/* ---- the checks ---- */

static void check_commit(rem_kv *kv, uint64_t number, bool wanted) {
  char key[32];
  rem_error err = {0};
  snprintf(key, sizeof key, "n%llu", (unsigned long long)number);
  for (size_t f = 0; f < TOUCHED; f++)
    if ((rem_kv_exists(kv, NULL, touched[f], text(key), &err) == REM_OK) != wanted)
      fail_msg("commit %llu is %s in %s", (unsigned long long)number, wanted ? "not" : "partly",
               rem_kv_family_name(touched[f]));
}

static uint64_t check_log(rem_kv *kv) {
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  rem_error err = {0};
  uint64_t count = 0;
  rem_status status;
  assert_ok(rem_log_reader_new(kv, NULL, TENANT, 0, &reader, &err));
  while ((status = rem_log_reader_next(reader, &entry, &err)) == REM_ROW)
    count++;
  if (status != REM_DONE)
    fail_msg("log: %s", err.message);
  rem_log_reader_free(reader);
  return count;
}

static void check_database(const char *folder, rem_kv_mode mode, uint64_t acknowledged) {
  rem_kv *kv = kv_open(folder, mode);
  uint64_t last = check_log(kv);
  if (last < acknowledged)
    fail_msg("%llu commits were acknowledged and %llu are there", (unsigned long long)acknowledged,
             (unsigned long long)last);
  for (uint64_t number = 1; number <= last; number++)
    check_commit(kv, number, true);
  for (uint64_t number = last + 1; number < last + 50; number++)
    check_commit(kv, number, false);
  assert_ok(rem_kv_close(kv, &err));
}

static void test_a_killed_writer_loses_nothing_and_leaves_nothing_half(void **state) {
  (void)state;
  random_start("crash");
  char *folder = folder_new(), path[400];
  int rounds = is_soak() ? 200 : 20;
  assert_ok(rem_kv_close(kv_open(folder, REM_KV_CREATE), &err));
  atomic_uint_fast64_t *acknowledged = map_acknowledged(folder);
  for (int round = 0; round < rounds; round++) {
    uint64_t before = atomic_load(acknowledged);
    pid_t writer = fork();
    if (writer == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execl(program, program, "writer", folder, (char *)NULL);
      _exit(127);
    }
    while (atomic_load(acknowledged) == before) {
      assert_int_equal(waitpid(writer, NULL, WNOHANG), 0);
      usleep(500);
    }
    usleep((useconds_t)random_below(60000));
    kill(writer, SIGKILL);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    check_database(folder, round % 2 ? REM_KV_READ : REM_KV_WRITE, atomic_load(acknowledged));
  }
  print_message("%d kills, %llu commits acknowledged\n", rounds, (unsigned long long)atomic_load(acknowledged));
  munmap(acknowledged, 8);
  snprintf(path, sizeof path, "%s.acknowledged", folder);
  unlink(path);
  folder_free(folder);
}

int main(int count, char **arguments) {
  program = arguments[0];
  if (count == 3 && strcmp(arguments[1], "writer") == 0)
    return run_writer(arguments[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_killed_writer_loses_nothing_and_leaves_nothing_half),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
