/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: order, isolation of failures, the overlay, shared syncs. */
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- one request at a time ---- */

typedef struct step {
  rem_status (*run)(rem_commit_group *group, rem_error *err);
  int committed, failed;
} step;

static rem_status run_step(void *context, rem_commit_group *group, rem_error *err) {
  return ((step *)context)->run(group, err);
}

static void count_committed(void *context) {
  ((step *)context)->committed++;
}

static void count_failed(void *context) {
  ((step *)context)->failed++;
}

static rem_status submit(step *s, bool sync, rem_error *err) {
  rem_commit_request request = {run_step, count_committed, count_failed, s, sync};
  return rem_commit_submit(committer, &request, err);
}

static void group_expect(rem_commit_group *group, const char *key, const char *value) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_error err = {0};
  assert_int_equal(rem_commit_get(group, REM_CF_META, text(key), &pin, &err), value ? REM_OK : REM_NOT_FOUND);
  if (value)
    assert_true(rem_slice_equal(rem_kv_pin_slice(&pin), text(value)));
}

static rem_status put_all_ways(rem_commit_group *group, rem_error *err) {
  (void)err;
  rem_commit_put(group, REM_CF_META, text("blind"), text("1"), REM_COMMIT_BLIND);
  group_expect(group, "blind", NULL);
  rem_commit_put(group, REM_CF_META, text("seen"), text("1"), REM_COMMIT_SEEN);
  group_expect(group, "seen", "1");
  rem_commit_put(group, REM_CF_META, text("seen"), text("22"), REM_COMMIT_SEEN);
  group_expect(group, "seen", "22");
  rem_commit_put(group, REM_CF_META, text("late"), text("1"), REM_COMMIT_LATE);
  rem_commit_put(group, REM_CF_META, text("late"), text("2"), REM_COMMIT_LATE);
  group_expect(group, "late", "2");
  rem_commit_put(group, REM_CF_META, text("gone"), text("1"), REM_COMMIT_SEEN);
  rem_commit_delete(group, REM_CF_META, text("gone"), REM_COMMIT_SEEN);
  group_expect(group, "gone", NULL);
  rem_commit_put(group, REM_CF_META, text("late gone"), text("1"), REM_COMMIT_SEEN);
  rem_commit_delete(group, REM_CF_META, text("late gone"), REM_COMMIT_LATE);
  const rem_slice parts[2] = {text("a"), text("b")};
  rem_commit_put_parts(group, REM_CF_META, text("parts"), parts, 2);
  return REM_ROW;
}

static void test_puts_of_every_kind_arrive(void **state) {
  (void)state;
  step s = {.run = put_all_ways};
  rem_error err = {0};
  assert_status(submit(&s, true, &err), REM_ROW); /* a positive status commits and is handed on */
  assert_int_equal(s.committed, 1);
  assert_int_equal(s.failed, 0);
  kv_expect(kv, NULL, REM_CF_META, "blind", "1");
  kv_expect(kv, NULL, REM_CF_META, "seen", "22");
  kv_expect(kv, NULL, REM_CF_META, "late", "2");
  kv_expect(kv, NULL, REM_CF_META, "gone", NULL);
  kv_expect(kv, NULL, REM_CF_META, "late gone", NULL);
  kv_expect(kv, NULL, REM_CF_META, "parts", "ab");
}

static rem_status put_and_fail(rem_commit_group *group, rem_error *err) {
  rem_commit_put(group, REM_CF_META, text("seen"), text("bad"), REM_COMMIT_SEEN);
  rem_commit_put(group, REM_CF_META, text("late"), text("bad"), REM_COMMIT_LATE);
  rem_commit_put(group, REM_CF_META, text("new"), text("bad"), REM_COMMIT_BLIND);
  rem_commit_delete(group, REM_CF_META, text("blind"), REM_COMMIT_BLIND);
  return rem_error_set(err, REM_CONFLICT, "no");
}

static void test_a_failing_apply_leaves_no_trace(void **state) {
  (void)state;
  step good = {.run = put_all_ways}, bad = {.run = put_and_fail};
  rem_error err = {0};
  assert_status(submit(&good, false, &err), REM_ROW);
  assert_status(submit(&bad, true, &err), REM_CONFLICT);
  assert_string_equal(err.message, "no");
  assert_int_equal(bad.committed + bad.failed, 0);
  kv_expect(kv, NULL, REM_CF_META, "seen", "22");
  kv_expect(kv, NULL, REM_CF_META, "late", "2");
  kv_expect(kv, NULL, REM_CF_META, "new", NULL);
  kv_expect(kv, NULL, REM_CF_META, "blind", "1");
  rem_commit_counters counters;
  rem_commit_counters_get(committer, &counters);
  assert_int_equal(counters.requests, 2);
  assert_int_equal(counters.syncs, 0); /* nobody who succeeded asked for it */
}

/* ---- a group of known members: submitted while an exclusive run holds the door ---- */

enum { MEMBERS = 40 };

typedef struct member {
  int number;
  bool fails;
  rem_status status;
  int order; /* of committed() */
} member;

static int commit_order;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static uint64_t read_counter(rem_commit_group *group) {
  rem_kv_pin pin REM_AUTO_PIN = {0};
  rem_error err = {0};
  rem_status found = rem_commit_get(group, REM_CF_META, text("counter"), &pin, &err);
  return found == REM_OK ? rem_load_u64le(pin.data) : 0;
}

/* Counts, notes its own number under the count, and fails afterwards when it should. */
static rem_status count_up(void *context, rem_commit_group *group, rem_error *err) {
  const member *m = context;
  uint64_t count = read_counter(group) + 1;
  char key[32], value[16];
  snprintf(key, sizeof key, "place%llu", (unsigned long long)count);
  snprintf(value, sizeof value, "%d", m->number);
  rem_commit_put(group, REM_CF_META, text("counter"), rem_slice_of(&count, 8), REM_COMMIT_LATE);
  rem_commit_put(group, REM_CF_META, text("last"), text(value), REM_COMMIT_SEEN);
  rem_commit_put(group, REM_CF_META, text(key), text(value), REM_COMMIT_BLIND);
  return m->fails ? rem_error_set(err, REM_INVALID, "member %d fails", m->number) : REM_OK;
}

static void note_order(void *context) {
  ((member *)context)->order = ++commit_order; /* only leaders come here, one at a time */
}

static void *submit_member(void *context) {
  member *m = context;
  rem_error err = {0};
  rem_commit_request request = {count_up, note_order, NULL, m, true};
  m->status = rem_commit_submit(committer, &request, &err);
  if (m->fails) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, "member %d fails", m->number);
    if (strcmp(err.message, wanted) != 0)
      m->status = REM_INTERNAL;
  }
  return NULL;
}

static atomic_bool at_gate;

static rem_status pass_gate(void *context, rem_error *err) {
  (void)context;
  (void)err;
  atomic_store(&at_gate, true);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return REM_OK;
}

static void *hold_door(void *context) {
  rem_error err = {0};
  *(rem_status *)context = rem_commit_exclusive(committer, pass_gate, NULL, &err);
  return NULL;
}

static void test_members_of_a_group_see_each_other_and_fail_alone(void **state) {
  (void)state;
  pthread_t door, threads[MEMBERS];
  member members[MEMBERS];
  rem_status door_status = REM_INTERNAL;
  rem_kv_counters before, after;
  rem_kv_counters_get(kv, &before);
  pthread_mutex_lock(&gate);
  pthread_create(&door, NULL, hold_door, &door_status);
  while (!atomic_load(&at_gate))
    usleep(1000);
  commit_order = 0;
  for (int i = 0; i < MEMBERS; i++) {
    members[i] = (member){.number = i, .fails = i % 4 == 3, .status = REM_INTERNAL};
    pthread_create(&threads[i], NULL, submit_member, &members[i]);
  }
  for (rem_commit_counters line = {0}; line.waiting < MEMBERS;) {
    usleep(1000);
    rem_commit_counters_get(committer, &line);
  }
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < MEMBERS; i++)
    pthread_join(threads[i], NULL);
  pthread_join(door, NULL);
  assert_int_equal(door_status, REM_OK);
  rem_kv_counters_get(kv, &after);
  /* All were in line while the door was shut. */
  assert_int_equal(after.sync_count - before.sync_count, 1);
  enum { GOOD = MEMBERS - MEMBERS / 4 };
  for (int i = 0; i < MEMBERS; i++) {
    assert_int_equal(members[i].status, members[i].fails ? REM_INVALID : REM_OK);
    assert_int_equal(members[i].order != 0, !members[i].fails);
    if (members[i].fails)
      continue;
    char key[32], value[16];
    snprintf(key, sizeof key, "place%d", members[i].order);
    snprintf(value, sizeof value, "%d", i);
    kv_expect(kv, NULL, REM_CF_META, key, value); /* the n-th to commit counted to n */
    if (members[i].order == GOOD)
      kv_expect(kv, NULL, REM_CF_META, "last", value);
  }
  rem_kv_pin pin REM_AUTO_PIN = {0};
  assert_ok(rem_kv_get(kv, NULL, REM_CF_META, text("counter"), &pin, &err));
  assert_int_equal(rem_load_u64le(pin.data), GOOD);
  char beyond[32];
  snprintf(beyond, sizeof beyond, "place%d", GOOD + 1);
  kv_expect(kv, NULL, REM_CF_META, beyond, NULL);
}

enum { THREADS = 64, EACH = 25 };

static void *submit_many(void *context) {
  member *m = context;
  rem_error err = {0};
  for (int i = 0; i < EACH; i++) {
    rem_commit_request request = {count_up, NULL, NULL, m, true};
    rem_status status = rem_commit_submit(committer, &request, &err);
    if (status != REM_OK)
      m->status = status;
  }
  return NULL;
}

static void test_concurrent_writers_share_syncs_and_lose_nothing(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  static member members[THREADS];
  for (int i = 0; i < THREADS; i++) {
    members[i] = (member){.number = i, .status = REM_OK};
    pthread_create(&threads[i], NULL, submit_many, &members[i]);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(members[i].status, REM_OK);
  rem_commit_counters counters;
  rem_commit_counters_get(committer, &counters);
  assert_int_equal(counters.requests, THREADS * EACH);
  assert_true(counters.syncs < counters.requests);
  print_message("%llu requests, %llu syncs\n", (unsigned long long)counters.requests,
                (unsigned long long)counters.syncs);
  rem_kv_pin pin REM_AUTO_PIN = {0};
  assert_ok(rem_kv_get(kv, NULL, REM_CF_META, text("counter"), &pin, &err));
  assert_int_equal(rem_load_u64le(pin.data), THREADS * EACH);
}

/* ---- the overlay against a plain model ---- */

enum { KEYS = 40 };
typedef struct model {
  char value[KEYS][12]; /* "": absent */
} model;

static model current;

static rem_status random_changes(rem_commit_group *group, rem_error *err) {
  model before = current;
  for (int n = (int)random_below(30); n > 0; n--) {
    int k = (int)random_below(KEYS);
    char key[16];
    snprintf(key, sizeof key, "k%d", k);
    group_expect(group, key, current.value[k][0] ? current.value[k] : NULL);
    rem_commit_flags flags = random_below(2) ? REM_COMMIT_SEEN : REM_COMMIT_LATE;
    if (random_below(4) == 0) {
      current.value[k][0] = 0;
      rem_commit_delete(group, REM_CF_META, text(key), flags);
      continue;
    }
    snprintf(current.value[k], sizeof current.value[k], "%llu", (unsigned long long)random_below(100000));
    rem_commit_put(group, REM_CF_META, text(key), text(current.value[k]), flags);
  }
  if (random_below(3))
    return REM_OK;
  current = before;
  return rem_error_set(err, REM_INVALID, "rolled back");
}

/* Many requests from one thread each make a group; to have several in one, they are queued behind a shut door. */
static void *submit_random(void *context) {
  step *s = context;
  rem_error err = {0};
  for (int i = 0; i < 50; i++)
    if (submit(s, false, &err) != REM_OK && err.code != REM_INVALID)
      s->failed++;
  return NULL;
}

static void test_the_overlay_agrees_with_a_model(void **state) {
  (void)state;
  random_start("overlay");
  memset(&current, 0, sizeof current);
  enum { COUNT = 8 };
  pthread_t threads[COUNT];
  step steps[COUNT];
  for (int i = 0; i < COUNT; i++) {
    steps[i] = (step){.run = random_changes};
    pthread_create(&threads[i], NULL, submit_random, &steps[i]);
  }
  for (int i = 0; i < COUNT; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(steps[i].failed, 0);
  }
  for (int k = 0; k < KEYS; k++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", k);
    kv_expect(kv, NULL, REM_CF_META, key, current.value[k][0] ? current.value[k] : NULL);
  }
}

/* ---- running out of memory ---- */

static rem_status put_many(rem_commit_group *group, rem_error *err) {
  (void)err;
  for (int i = 0; i < 2000; i++) {
    char key[16];
    snprintf(key, sizeof key, "m%d", i);
    rem_commit_put(group, REM_CF_META, text(key), text("a value of some length"), REM_COMMIT_SEEN);
  }
  return REM_OK;
}

static void test_every_failing_allocation_leaves_all_or_nothing(void **state) {
  (void)state;
  rem_status status = REM_NOMEM;
  for (int64_t countdown = 1; status != REM_OK; countdown++) {
    rem_committer_free(committer);
    committer = NULL;
    rem_alloc_fail_at(countdown, 0);
    rem_error err = {0};
    step s = {.run = put_many};
    status = rem_committer_new(kv, 0, &committer, &err);
    if (status == REM_OK)
      status = submit(&s, false, &err);
    rem_alloc_fail_at(0, 0);
    if (status != REM_OK)
      assert_int_equal(status, REM_NOMEM);
    kv_expect(kv, NULL, REM_CF_META, "m0", status == REM_OK ? "a value of some length" : NULL);
    kv_expect(kv, NULL, REM_CF_META, "m1999", status == REM_OK ? "a value of some length" : NULL);
    assert_in_range(countdown, 1, 1000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_committer(test_puts_of_every_kind_arrive),
      with_committer(test_a_failing_apply_leaves_no_trace),
      with_committer(test_members_of_a_group_see_each_other_and_fail_alone),
      with_committer(test_concurrent_writers_share_syncs_and_lose_nothing),
      with_committer(test_the_overlay_agrees_with_a_model),
      with_committer(test_every_failing_allocation_leaves_all_or_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
