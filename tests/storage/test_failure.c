/* SPDX-License-Identifier: Apache-2.0 */
/* A bad world: writes that fail, damaged and missing files, databases of newer versions. */
#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "storage/identity.h"

/* ---- writes that fail: no file may grow past a limit ---- */

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes until it fails; the status. */
static rem_status write_until_failure(int *ret_written, rem_error *err) {
  static char value[4096];
  memset(value, 'v', sizeof value);
  rem_kv_batch *batch REM_AUTO_BATCH = NULL;
  REM_TRY(rem_kv_batch_new(kv, &batch, err));
  for (*ret_written = 0; *ret_written < 1000; ++*ret_written) {
    char key[16];
    snprintf(key, sizeof key, "w%04d", *ret_written);
    rem_kv_batch_clear(batch);
    rem_kv_batch_put(batch, REM_CF_ENTITIES, text(key), rem_slice_of(value, sizeof value));
    rem_kv_batch_put(batch, REM_CF_KEY_INDEX, text(key), text("x"));
    REM_TRY(rem_kv_write(kv, batch, true, err));
  }
  return REM_OK;
}

static void test_a_failed_write_latches_until_the_database_is_reopened(void **state) {
  (void)state;
  int written = 0;
  rem_error err = {0};
  kv_put(kv, REM_CF_META, "a", "1");
  signal(SIGXFSZ, SIG_IGN);
  limit_files(200000);
  assert_status(write_until_failure(&written, &err), REM_IO);
  limit_files(RLIM_INFINITY);
  assert_in_range(written, 1, 999);
  assert_true(err.message[0]);

  /* The cause is gone, but nothing may be written until the handle is made anew. */
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, REM_CF_META, text("b"), text("2"));
  assert_status(rem_kv_write(kv, batch, false, &err), REM_IO);
  assert_non_null(strstr(err.message, "writing has stopped after an error"));
  assert_true(err.hint[0]);
  assert_status(rem_kv_flush(kv, &err), REM_IO);
  assert_status(rem_kv_sync(kv, &err), REM_IO);
  assert_status(rem_kv_failed(kv, &err), REM_IO);
  kv_expect(kv, NULL, REM_CF_META, "a", "1"); /* reading goes on */

  rem_kv_snapshot *snapshot = NULL;
  assert_ok(rem_kv_snapshot_acquire(kv, &snapshot, &err));
  assert_status(rem_kv_reopen(kv, 20, &err), REM_CONFLICT);
  kv_expect(kv, snapshot, REM_CF_META, "a", "1");
  rem_kv_snapshot_release(snapshot);

  assert_ok(rem_kv_reopen(kv, 1000, &err));
  assert_ok(rem_kv_failed(kv, &err));
  assert_ok(rem_kv_write(kv, batch, true, &err));
  rem_kv_batch_free(batch);
  kv_expect(kv, NULL, REM_CF_META, "b", "2");
  for (int i = 0; i <= written; i++) {
    char key[16];
    snprintf(key, sizeof key, "w%04d", i);
    rem_status row = rem_kv_exists(kv, NULL, REM_CF_ENTITIES, text(key), &err);
    assert_int_equal(row, rem_kv_exists(kv, NULL, REM_CF_KEY_INDEX, text(key), &err));
    if (i < written)
      assert_int_equal(row, REM_OK); /* what was acknowledged is there */
  }
}

static rem_status put_large(void *context, rem_commit_group *group, rem_error *err) {
  (void)err;
  static char value[300000];
  rem_commit_put(group, REM_CF_LARGE, text((const char *)context), rem_slice_of(value, sizeof value), REM_COMMIT_SEEN);
  return REM_OK;
}

static void count_call(void *context) {
  ((char *)context)[0]++;
}

static void test_a_commit_whose_write_fails_fails_its_request(void **state) {
  (void)state;
  rem_committer *committer = NULL;
  rem_error err = {0};
  assert_ok(rem_committer_new(kv, 0, &committer, &err));
  signal(SIGXFSZ, SIG_IGN);
  limit_files(100000);
  char key[] = "a";
  rem_commit_request request = {.apply = put_large, .committed = NULL, .failed = count_call, .context = key};
  assert_status(rem_commit_submit(committer, &request, &err), REM_IO);
  limit_files(RLIM_INFINITY);
  assert_string_equal(key, "b"); /* failed() was called, once */
  assert_status(rem_commit_submit(committer, &request, &err), REM_IO); /* latched: apply is not even run */
  assert_string_equal(key, "b");
  assert_ok(rem_kv_reopen(kv, 0, &err));
  assert_ok(rem_commit_submit(committer, &request, &err));
  assert_ok(rem_kv_exists(kv, NULL, REM_CF_LARGE, text("b"), &err));
  rem_committer_free(committer);
}

static void test_a_reason_found_above_latches_too(void **state) {
  (void)state;
  rem_error reason = {0}, err = {0};
  (void)rem_error_set(&reason, REM_INTERNAL, "a count went negative");
  rem_kv_fail(kv, &reason);
  assert_status(rem_kv_flush(kv, &err), REM_INTERNAL);
  assert_non_null(strstr(err.message, "a count went negative"));
  assert_ok(rem_kv_reopen(kv, 0, &err));
  kv_put(kv, REM_CF_META, "a", "1");
}

/* ---- damaged files ---- */

static void fill_and_close(void) {
  static char value[1000];
  for (size_t i = 0; i < sizeof value; i++)
    value[i] = (char)(i * 7919 >> 3);
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  for (int i = 0; i < 500; i++) {
    char key[16];
    snprintf(key, sizeof key, "row%05d", i);
    rem_kv_batch_put(batch, REM_CF_VECTORS, text(key), rem_slice_of(value, sizeof value));
  }
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
  assert_ok(rem_kv_flush(kv, &err));
  assert_ok(rem_kv_close(kv, &err));
  kv = NULL;
}

/* The largest table file of the folder. */
static void find_table_file(char path[400], char name[64]) {
  DIR *handle = opendir(folder);
  off_t largest = -1;
  for (struct dirent *entry; (entry = readdir(handle));) {
    char candidate[400];
    struct stat status;
    snprintf(candidate, sizeof candidate, "%s/%.60s", folder, entry->d_name);
    if (strstr(entry->d_name, ".sst") && stat(candidate, &status) == 0 && status.st_size > largest) {
      largest = status.st_size;
      strcpy(path, candidate);
      snprintf(name, 64, "%.63s", entry->d_name);
    }
  }
  closedir(handle);
  assert_true(largest > 0);
}

static void flip_byte(const char *path, off_t offset) {
  int file = open(path, O_RDWR);
  char byte;
  assert_int_equal(pread(file, &byte, 1, offset), 1);
  byte ^= 0x40;
  assert_int_equal(pwrite(file, &byte, 1, offset), 1);
  close(file);
}

static rem_status try_open(rem_kv_mode mode, rem_error *err) {
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.mode = mode;
  return rem_kv_open(folder, &options, &kv, err);
}

static void test_a_damaged_block_is_named_when_it_is_read(void **state) {
  (void)state;
  char path[400], name[64];
  rem_error err = {0};
  rem_kv_pin pin REM_AUTO_PIN = {0};
  fill_and_close();
  find_table_file(path, name);
  flip_byte(path, 5000);
  kv = kv_open(folder, REM_KV_READ);
  assert_status(rem_kv_get(kv, NULL, REM_CF_VECTORS, text("row00003"), &pin, &err), REM_CORRUPT);
  assert_non_null(strstr(err.message, name));
  assert_true(err.hint[0]);
  err = (rem_error){0};
  assert_status(rem_kv_verify(kv, &err), REM_CORRUPT);
  assert_non_null(strstr(err.message, name));
  rem_kv_iterator *it = NULL;
  assert_ok(rem_kv_iterator_prefix(kv, NULL, REM_CF_VECTORS, text("row"), &it, &err));
  int count = 0;
  for (rem_kv_iterator_first(it); rem_kv_iterator_valid(it); rem_kv_iterator_next(it))
    count++;
  assert_in_range(count, 0, 499);
  assert_status(rem_kv_iterator_status(it, &err), REM_CORRUPT); /* the end of a scan is not taken for the end of the data */
  rem_kv_iterator_free(it);
}

static void test_a_cut_table_file_is_named_on_opening(void **state) {
  (void)state;
  char path[400], name[64];
  fill_and_close();
  find_table_file(path, name);
  assert_int_equal(truncate(path, 10000), 0);
  for (int mode = REM_KV_READ; mode <= REM_KV_WRITE; mode++) {
    rem_error err = {0};
    assert_status(try_open((rem_kv_mode)mode, &err), REM_CORRUPT);
    if (!strstr(err.message, name))
      fail_msg("%s", err.message);
  }
}

static void test_a_missing_table_file_is_named_on_opening(void **state) {
  (void)state;
  char path[400], name[64];
  fill_and_close();
  find_table_file(path, name);
  assert_int_equal(unlink(path), 0);
  for (int mode = REM_KV_READ; mode <= REM_KV_WRITE; mode++) {
    rem_error err = {0};
    assert_status(try_open((rem_kv_mode)mode, &err), REM_CORRUPT);
    if (!strstr(err.message, name))
      fail_msg("%s", err.message);
  }
}

static void test_a_missing_manifest_is_named_on_opening(void **state) {
  (void)state;
  fill_and_close();
  DIR *handle = opendir(folder);
  for (struct dirent *entry; (entry = readdir(handle));)
    if (strncmp(entry->d_name, "MANIFEST", 8) == 0)
      assert_int_equal(unlinkat(dirfd(handle), entry->d_name, 0), 0);
  closedir(handle);
  for (int mode = REM_KV_READ; mode <= REM_KV_WRITE; mode++) {
    rem_error err = {0};
    rem_kv_options options;
    rem_kv_options_init(&options);
    options.mode = (rem_kv_mode)mode;
    options.open_wait_ms = 200;
    assert_status(rem_kv_open(folder, &options, &kv, &err), REM_CORRUPT);
    assert_non_null(strstr(err.message, "MANIFEST"));
  }
}

/* ---- a log whose end was not written, as after a power cut ---- */

/* The newest of RocksDB's logs that holds something. */
static void find_log(char path[400]) {
  DIR *handle = opendir(folder);
  uint64_t newest = 0;
  for (struct dirent *entry; (entry = readdir(handle));) {
    char candidate[400];
    struct stat status;
    snprintf(candidate, sizeof candidate, "%s/%.60s", folder, entry->d_name);
    uint64_t number = strtoull(entry->d_name, NULL, 10);
    if (strstr(entry->d_name, ".log") && stat(candidate, &status) == 0 && status.st_size && number >= newest) {
      newest = number;
      strcpy(path, candidate);
    }
  }
  closedir(handle);
  assert_true(newest > 0);
}

static void test_a_torn_end_is_dropped_and_writing_goes_on_behind_it(void **state) {
  (void)state;
  for (int round = 0; round < 5; round++) {
    char path[400], whole[32], torn[32];
    struct stat status;
    snprintf(whole, sizeof whole, "whole%d", round);
    snprintf(torn, sizeof torn, "torn%d", round);
    kv_put(kv, REM_CF_META, whole, "1");
    kv_put(kv, REM_CF_META, torn, "1");
    assert_ok(rem_kv_close(kv, &err));
    find_log(path);
    assert_int_equal(stat(path, &status), 0);
    if (round % 2)
      assert_int_equal(truncate(path, status.st_size - 3), 0);
    else
      flip_byte(path, status.st_size - 2);
    rem_kv *reader = kv_open(folder, REM_KV_READ);
    kv_expect(reader, NULL, REM_CF_META, whole, "1");
    kv_expect(reader, NULL, REM_CF_META, torn, NULL);
    assert_ok(rem_kv_close(reader, &err));
    kv = kv_open(folder, REM_KV_WRITE);
  }
  for (int round = 0; round < 5; round++) {
    char whole[32];
    snprintf(whole, sizeof whole, "whole%d", round);
    kv_expect(kv, NULL, REM_CF_META, whole, "1");
  }
}

/* ---- identity and format ---- */

static void make_identity(rem_identity *ret_identity) {
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  assert_ok(rem_identity_create(batch, ret_identity, &err));
  assert_ok(rem_kv_write(kv, batch, true, &err));
  rem_kv_batch_free(batch);
}

static void put_bytes(const char *key, const void *bytes, size_t size) {
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, REM_CF_META, text(key), rem_slice_of(bytes, size));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
}

static void test_the_identity_is_kept(void **state) {
  (void)state;
  rem_identity made, loaded;
  rem_error err = {0};
  assert_status(rem_identity_load(kv, &loaded, &err), REM_CORRUPT); /* not made to the end */
  assert_non_null(strstr(err.hint, "db init"));
  make_identity(&made);
  assert_int_equal(made.epoch, 1);
  assert_ok(rem_identity_load(kv, &loaded, &err));
  assert_memory_equal(made.uuid, loaded.uuid, 16);
  assert_int_equal(made.created_at, loaded.created_at);
  assert_int_equal(loaded.epoch, 1);
  made.epoch = 2;
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_identity_put(batch, &made);
  assert_ok(rem_kv_write(kv, batch, true, &err));
  rem_kv_batch_free(batch);
  assert_ok(rem_identity_load(kv, &loaded, &err));
  assert_int_equal(loaded.epoch, 2);
}

static void test_a_newer_format_is_refused_with_advice(void **state) {
  (void)state;
  rem_identity identity;
  rem_error err = {0};
  make_identity(&identity);
  uint8_t newer[20] = "REM";
  rem_store_u32le(newer + 4, REM_FORMAT_VERSION + 1);
  put_bytes("format", newer, sizeof newer);
  assert_status(rem_identity_load(kv, &identity, &err), REM_FORMAT);
  assert_non_null(strstr(err.hint, "update"));
}

static void test_damaged_format_and_identity_are_found(void **state) {
  (void)state;
  rem_identity identity;
  rem_error err = {0};
  make_identity(&identity);
  put_bytes("identity", "short", 5);
  assert_status(rem_identity_load(kv, &identity, &err), REM_CORRUPT);
  uint8_t bytes[32] = {1};
  put_bytes("identity", bytes, sizeof bytes);
  assert_status(rem_identity_load(kv, &identity, &err), REM_CORRUPT);
  put_bytes("format", "REM\0\1\0\0\0\0\0\0\0", 12);
  assert_status(rem_identity_load(kv, &identity, &err), REM_CORRUPT);
  put_bytes("format", "", 0);
  assert_status(rem_identity_load(kv, &identity, &err), REM_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_store(test_a_failed_write_latches_until_the_database_is_reopened),
      with_store(test_a_commit_whose_write_fails_fails_its_request),
      with_store(test_a_reason_found_above_latches_too),
      with_store(test_a_damaged_block_is_named_when_it_is_read),
      with_store(test_a_cut_table_file_is_named_on_opening),
      with_store(test_a_missing_table_file_is_named_on_opening),
      with_store(test_a_missing_manifest_is_named_on_opening),
      with_store(test_a_torn_end_is_dropped_and_writing_goes_on_behind_it),
      with_store(test_the_identity_is_kept),
      with_store(test_a_newer_format_is_refused_with_advice),
      with_store(test_damaged_format_and_identity_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
