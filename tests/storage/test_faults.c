/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of storage's own failing in turn: REM_NOMEM each time, nothing lost, nothing half done. */
#include "storage_test.h"

#include "fault_sweep.h"
#include "storage/identity.h"
#include "storage/lock.h"
#include "storage/log.h"

static char *folder;

static int setup(void **state) {
  (void)state;
  folder = folder_new();
  rem_kv *kv = kv_open(folder, REM_KV_CREATE);
  kv_put(kv, REM_CF_META, "a", "1");
  assert_ok(rem_kv_close(kv, &err));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_free(folder);
  return 0;
}

static rem_status read_everything(rem_kv *kv, rem_error *err) {
  rem_kv_snapshot *snapshot REM_AUTO_SNAPSHOT = NULL;
  rem_kv_iterator *it REM_AUTO_ITERATOR = NULL;
  rem_kv_pin pin REM_AUTO_PIN = {0}, many[2] = {{0}, {0}};
  const rem_slice keys[2] = {text("a"), text("b")};
  REM_TRY(rem_kv_snapshot_acquire(kv, &snapshot, err));
  REM_TRY(rem_kv_get(kv, snapshot, REM_CF_META, text("a"), &pin, err));
  REM_TRY(rem_kv_multi_get(kv, snapshot, REM_CF_META, keys, 2, true, many, err));
  assert_non_null(many[0].data);
  assert_null(many[1].data);
  rem_kv_pin_release(&many[0]);
  REM_TRY(rem_kv_iterator_prefix(kv, snapshot, REM_CF_META, text("a"), &it, err));
  REM_TRY(rem_kv_iterator_narrow(it, text("a"), text("b"), err));
  rem_kv_iterator_first(it);
  assert_true(rem_kv_iterator_valid(it));
  return rem_kv_iterator_status(it, err);
}

static rem_status open_and_read(void *context, rem_error *err) {
  rem_kv_options options;
  rem_kv *kv = NULL;
  rem_kv_options_init(&options);
  options.mode = *(rem_kv_mode *)context;
  REM_TRY(rem_kv_open(folder, &options, &kv, err));
  rem_status status = read_everything(kv, err);
  if (status == REM_OK)
    status = rem_kv_refresh(kv, err);
  rem_status closed = rem_kv_close(kv, NULL);
  return status < 0 ? status : closed;
}

static void test_opening_and_reading(void **state) {
  (void)state;
  for (int mode = REM_KV_READ; mode <= REM_KV_WRITE; mode++) {
    rem_kv_mode chosen = (rem_kv_mode)mode;
    assert_true(fault_sweep(open_and_read, &chosen) > 3);
  }
}

static rem_status lock_and_unlock(void *context, rem_error *err) {
  (void)context;
  rem_lock *lock = NULL;
  REM_TRY(rem_lock_acquire(folder, 0, &lock, err));
  rem_lock_release(lock);
  return REM_OK;
}

static void test_locking(void **state) {
  (void)state;
  assert_true(fault_sweep(lock_and_unlock, NULL) >= 1);
}

static rem_status append_entries(void *context, rem_commit_group *group, rem_error *err) {
  (void)context;
  rem_log_payload payload = {.table = text("x"), .key = text("k"), .record = text("r")};
  rem_log_append append = {.tenant = "t", .operation = REM_LOG_PUT, .epoch = 1, .enabled = true, .payload = &payload};
  for (int i = 0; i < 100; i++) {
    uint64_t seq;
    REM_TRY(rem_log_put(group, &append, &seq, err));
  }
  return REM_OK;
}

static rem_status read_log(rem_kv *kv, uint64_t wanted, rem_error *err) {
  rem_log_reader *reader = NULL;
  rem_log_entry entry;
  REM_TRY(rem_log_reader_new(kv, NULL, "t", 0, &reader, err));
  uint64_t count = 0;
  rem_status status;
  while ((status = rem_log_reader_next(reader, &entry, err)) == REM_ROW)
    count++;
  rem_log_reader_free(reader);
  if (status == REM_DONE)
    assert_int_equal(count, wanted);
  return status == REM_DONE ? REM_OK : status;
}

static rem_status commit_entries(void *context, rem_error *err) {
  rem_kv *kv = context;
  rem_committer *committer = NULL;
  uint64_t before, behind;
  REM_TRY(rem_log_last_seq(kv, NULL, "t", &before, err));
  REM_TRY(rem_committer_new(kv, 0, &committer, err));
  rem_commit_request request = {.apply = append_entries};
  rem_status status = rem_commit_submit(committer, &request, err);
  rem_committer_free(committer);
  REM_TRY(status);
  REM_TRY(rem_log_last_seq(kv, NULL, "t", &behind, err));
  assert_int_equal(behind, before + 100);
  return read_log(kv, behind, err);
}

static rem_status trim_log(void *context, rem_error *err) {
  rem_kv *kv = context;
  rem_committer *committer = NULL;
  REM_TRY(rem_committer_new(kv, 0, &committer, err));
  rem_status status = rem_log_trim(committer, "t", 0, NULL, err);
  rem_committer_free(committer);
  return status;
}

static void test_committing_reading_and_trimming_the_log(void **state) {
  (void)state;
  uint64_t last, floor;
  rem_kv *kv = kv_open(folder, REM_KV_WRITE);
  assert_true(fault_sweep(commit_entries, kv) > 5);
  assert_ok(rem_log_last_seq(kv, NULL, "t", &last, &err));
  assert_int_equal(last % 100, 0); /* whole requests only */
  assert_true(fault_sweep(trim_log, kv) > 3);
  assert_ok(rem_log_floor(kv, NULL, "t", &floor, &err));
  assert_int_equal(floor, last);
  assert_ok(rem_kv_failed(kv, &err)); /* none of it latches */
  assert_ok(rem_kv_close(kv, &err));
}

#define with(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      with(test_opening_and_reading),
      with(test_locking),
      with(test_committing_reading_and_trimming_the_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
