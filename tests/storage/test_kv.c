/* SPDX-License-Identifier: Apache-2.0 */
/* kv: opening, reading, iterating, writing, snapshots, and what happens when things are left over. */
#include "store.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_a_value_written_is_read_back(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "a", "1");
  kv_expect(kv, NULL, REM_CF_META, "a", "1");
  kv_expect(kv, NULL, REM_CF_META, "b", NULL);
  kv_expect(kv, NULL, REM_CF_ENTITIES, "a", NULL);
  kv_put(kv, REM_CF_META, "a", "");
  kv_expect(kv, NULL, REM_CF_META, "a", "");
}

static void test_a_batch_is_applied_in_order_and_rolls_back_to_savepoints(void **state) {
  (void)state;
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_put(batch, REM_CF_META, text("a"), text("1"));
  rem_kv_batch_savepoint(batch);
  rem_kv_batch_put(batch, REM_CF_META, text("a"), text("2"));
  rem_kv_batch_delete(batch, REM_CF_META, text("a"));
  assert_int_equal(rem_kv_batch_count(batch), 3);
  rem_kv_batch_rollback(batch);
  assert_int_equal(rem_kv_batch_count(batch), 1);
  rem_kv_batch_savepoint(batch);
  const rem_slice parts[3] = {text("one"), text(""), text("two")};
  rem_kv_batch_put_parts(batch, REM_CF_EDGES, text("p"), parts, 3);
  rem_kv_batch_keep(batch);
  assert_ok(rem_kv_write(kv, batch, true, &err));
  rem_kv_batch_clear(batch);
  assert_int_equal(rem_kv_batch_count(batch), 0);
  assert_ok(rem_kv_write(kv, batch, true, &err));
  rem_kv_batch_free(batch);
  kv_expect(kv, NULL, REM_CF_META, "a", "1");
  kv_expect(kv, NULL, REM_CF_EDGES, "p", "onetwo");
  rem_kv_counters counters;
  rem_kv_counters_get(kv, &counters);
  assert_int_equal(counters.write_count, 1);
  assert_int_equal(counters.sync_count, 1);
}

static void test_a_range_is_deleted_without_its_end(void **state) {
  (void)state;
  for (char key[] = "k0"; key[1] <= '9'; key[1]++)
    kv_put(kv, REM_CF_WAL, key, "x");
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_delete_range(batch, REM_CF_WAL, text("k2"), text("k5"));
  rem_kv_batch_delete_range(batch, REM_CF_WAL, text("k9"), text("k0")); /* empty: nothing */
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
  kv_expect(kv, NULL, REM_CF_WAL, "k1", "x");
  kv_expect(kv, NULL, REM_CF_WAL, "k2", NULL);
  kv_expect(kv, NULL, REM_CF_WAL, "k4", NULL);
  kv_expect(kv, NULL, REM_CF_WAL, "k5", "x");
  kv_expect(kv, NULL, REM_CF_WAL, "k9", "x");
}

static void test_a_snapshot_keeps_its_view(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "a", "old");
  rem_kv_snapshot *snapshot = NULL;
  assert_ok(rem_kv_snapshot_acquire(kv, &snapshot, &err));
  kv_put(kv, REM_CF_META, "a", "new");
  kv_put(kv, REM_CF_META, "b", "new");
  kv_expect(kv, snapshot, REM_CF_META, "a", "old");
  kv_expect(kv, snapshot, REM_CF_META, "b", NULL);
  kv_expect(kv, NULL, REM_CF_META, "a", "new");
  rem_kv_iterator *it = NULL;
  assert_ok(rem_kv_iterator_prefix(kv, snapshot, REM_CF_META, text(""), &it, &err));
  rem_kv_iterator_first(it);
  assert_true(rem_kv_iterator_valid(it));
  rem_kv_iterator_next(it);
  assert_false(rem_kv_iterator_valid(it));
  assert_ok(rem_kv_iterator_status(it, &err));
  rem_kv_iterator_free(it);
  rem_kv_snapshot_release(snapshot);
}

static void test_many_keys_are_read_at_once(void **state) {
  (void)state;
  enum { COUNT = 300 };
  static char keys[COUNT][16];
  static rem_slice slices[COUNT];
  static rem_kv_pin pins[COUNT];
  for (int i = 0; i < COUNT; i++) {
    snprintf(keys[i], sizeof keys[i], "key%05d", i);
    slices[i] = text(keys[i]);
    if (i % 3)
      kv_put(kv, REM_CF_ENTITIES, keys[i], keys[i] + 3);
  }
  for (int sorted = 0; sorted < 2; sorted++) {
    assert_ok(rem_kv_multi_get(kv, NULL, REM_CF_ENTITIES, slices, COUNT, sorted, pins, &err));
    for (int i = 0; i < COUNT; i++) {
      assert_int_equal(pins[i].data != NULL, i % 3 != 0);
      if (pins[i].data)
        assert_true(rem_slice_equal(rem_kv_pin_slice(&pins[i]), text(keys[i] + 3)));
    }
  }
  for (int i = 0; i < COUNT; i++)
    rem_kv_pin_release(&pins[i]);
}

/* Everything an iterator gives in a range, as one text. */
static void collect(rem_kv_iterator *it, bool backward, char *ret_keys) {
  *ret_keys = 0;
  for (backward ? rem_kv_iterator_last(it) : rem_kv_iterator_first(it); rem_kv_iterator_valid(it);
       backward ? rem_kv_iterator_prev(it) : rem_kv_iterator_next(it)) {
    rem_slice key = rem_kv_iterator_key(it);
    strncat(ret_keys, (const char *)key.data, key.size);
    strcat(ret_keys, " ");
  }
  assert_ok(rem_kv_iterator_status(it, &err));
}

static void test_an_iterator_stays_within_its_bounds(void **state) {
  (void)state;
  const char *keys[] = {"a", "b", "b1", "b2", "c", "d"};
  for (size_t i = 0; i < 6; i++)
    kv_put(kv, REM_CF_EDGES, keys[i], "v");
  char found[64];
  rem_kv_iterator *it = NULL;
  assert_ok(rem_kv_iterator_new(kv, NULL, REM_CF_EDGES, text("b"), text("d"), &it, &err));
  assert_false(rem_kv_iterator_valid(it));
  collect(it, false, found);
  assert_string_equal(found, "b b1 b2 c ");
  collect(it, true, found);
  assert_string_equal(found, "c b2 b1 b ");
  rem_kv_iterator_seek(it, text("a"));
  assert_true(rem_slice_equal(rem_kv_iterator_key(it), text("b")));
  rem_kv_iterator_seek_prev(it, text("z"));
  assert_true(rem_slice_equal(rem_kv_iterator_key(it), text("c")));
  rem_kv_iterator_seek_prev(it, text("b11"));
  assert_true(rem_slice_equal(rem_kv_iterator_key(it), text("b1")));
  rem_kv_iterator_seek(it, text("d"));
  assert_false(rem_kv_iterator_valid(it));
  assert_ok(rem_kv_iterator_narrow(it, text("b1"), text("c"), &err));
  assert_false(rem_kv_iterator_valid(it));
  collect(it, false, found);
  assert_string_equal(found, "b1 b2 ");
  collect(it, true, found);
  assert_string_equal(found, "b2 b1 ");
  assert_ok(rem_kv_iterator_narrow(it, text(""), text(""), &err));
  collect(it, false, found);
  assert_string_equal(found, "b b1 b2 c ");
  rem_kv_iterator_free(it);
  assert_ok(rem_kv_iterator_prefix(kv, NULL, REM_CF_EDGES, text("b"), &it, &err));
  collect(it, false, found);
  assert_string_equal(found, "b b1 b2 ");
  rem_kv_iterator_free(it);
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(a, b);
}

/* Against a sorted array: random ranges, narrowed again and again on one iterator, over flushed and unflushed data. */
static void test_narrowed_ranges_agree_with_a_sorted_array(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  static char keys[COUNT][16];
  random_start("narrow");
  for (int i = 0; i < COUNT; i++) {
    snprintf(keys[i], sizeof keys[i], "n%06d", (int)random_below(1000000));
    kv_put(kv, REM_CF_FIELD_INDEX, keys[i], "some value to fill the blocks with more than keys");
    if (i == COUNT / 2)
      assert_ok(rem_kv_flush(kv, &err));
  }
  qsort(keys, COUNT, sizeof keys[0], compare_texts);
  rem_kv_iterator *it = NULL;
  assert_ok(rem_kv_iterator_prefix(kv, NULL, REM_CF_FIELD_INDEX, text("n"), &it, &err));
  for (int round = 0; round < 400; round++) {
    char lower[16], upper[16];
    int start = (int)random_below(1000000);
    snprintf(lower, sizeof lower, "n%06d", start);
    snprintf(upper, sizeof upper, "n%06d", start + (int)random_below(20000) + 1);
    assert_ok(rem_kv_iterator_narrow(it, text(lower), text(upper), &err));
    const char *previous = "";
    rem_kv_iterator_first(it);
    for (int i = 0; i < COUNT; i++) {
      if (strcmp(keys[i], lower) < 0 || strcmp(keys[i], upper) >= 0 || strcmp(keys[i], previous) == 0)
        continue;
      assert_true(rem_kv_iterator_valid(it));
      assert_true(rem_slice_equal(rem_kv_iterator_key(it), text(keys[i])));
      rem_kv_iterator_next(it);
      previous = keys[i];
    }
    assert_false(rem_kv_iterator_valid(it));
  }
  rem_kv_iterator_free(it);
}

static void test_making_a_database_twice_is_refused(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "format", "x");
  assert_ok(rem_kv_close(kv, &err));
  rem_kv_options options;
  rem_kv_options_init(&options);
  options.mode = REM_KV_CREATE;
  rem_error err = {0};
  assert_status(rem_kv_open(folder, &options, &kv, &err), REM_EXISTS);
  kv = kv_open(folder, REM_KV_WRITE);
  kv_expect(kv, NULL, REM_CF_META, "format", "x");
}

static void test_a_second_writer_is_locked_out_even_without_our_lock(void **state) {
  (void)state;
  rem_kv_options options;
  rem_kv *second = NULL;
  rem_error err = {0};
  rem_kv_options_init(&options);
  options.mode = REM_KV_WRITE;
  assert_status(rem_kv_open(folder, &options, &second, &err), REM_LOCKED);
  assert_true(err.hint[0]);
  kv_put(kv, REM_CF_META, "a", "1");
}

static void test_a_half_made_database_is_made_again(void **state) {
  (void)state;
  assert_ok(rem_kv_close(kv, &err)); /* without its format record: as if the process had died */
  kv = kv_open(folder, REM_KV_CREATE);
  kv_put(kv, REM_CF_META, "a", "1");
}

static void test_a_missing_database_is_unknown(void **state) {
  (void)state;
  rem_kv_options options;
  rem_kv_options_init(&options);
  char path[300];
  snprintf(path, sizeof path, "%s/none", folder);
  rem_kv *none = NULL;
  assert_true(rem_kv_is_database(folder));
  assert_false(rem_kv_is_database(path));
  assert_false(rem_kv_is_database("/"));
  for (int mode = REM_KV_READ; mode <= REM_KV_WRITE; mode++) {
    rem_error err = {0};
    options.mode = (rem_kv_mode)mode;
    assert_status(rem_kv_open(path, &options, &none, &err), REM_UNKNOWN);
    assert_non_null(strstr(err.message, "none"));
    assert_true(err.hint[0]);
    assert_int_not_equal(access(path, F_OK), 0); /* and nothing was made */
  }
}

static void test_what_is_written_survives_closing(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "a", "1");
  kv_put(kv, REM_CF_LARGE, "b", "2");
  assert_ok(rem_kv_close(kv, &err));
  kv = kv_open(folder, REM_KV_WRITE);
  kv_expect(kv, NULL, REM_CF_META, "a", "1");
  assert_ok(rem_kv_flush(kv, &err));
  assert_ok(rem_kv_close(kv, &err));
  kv = kv_open(folder, REM_KV_WRITE);
  kv_expect(kv, NULL, REM_CF_META, "a", "1");
  kv_expect(kv, NULL, REM_CF_LARGE, "b", "2");
}

static size_t list_folder(const char *path, char names[][64], size_t max) {
  DIR *handle = opendir(path);
  size_t count = 0;
  memset(names, 0, max * 64);
  for (struct dirent *entry; (entry = readdir(handle)) && count < max;)
    if (entry->d_name[0] != '.')
      snprintf(names[count++], 64, "%.63s", entry->d_name);
  closedir(handle);
  qsort(names, count, 64, compare_texts);
  return count;
}

static void test_a_reader_leaves_the_folder_as_it_was(void **state) {
  (void)state;
  static char before[100][64], after[100][64];
  kv_put(kv, REM_CF_META, "a", "1");
  size_t count = list_folder(folder, before, 100);
  rem_kv *reader = kv_open(folder, REM_KV_READ);
  kv_expect(reader, NULL, REM_CF_META, "a", "1");
  assert_int_equal(list_folder(folder, after, 100), count);
  assert_memory_equal(before, after, count * 64);
  assert_ok(rem_kv_close(reader, &err));
  assert_int_equal(list_folder(folder, after, 100), count);
  assert_memory_equal(before, after, count * 64);
}

static void test_many_opens_do_not_litter(void **state) {
  (void)state;
  static char names[200][64];
  for (int i = 0; i < 12; i++) {
    assert_ok(rem_kv_close(kv, &err));
    kv = kv_open(folder, REM_KV_WRITE);
  }
  size_t count = list_folder(folder, names, 200), logs = 0, infos = 0, options = 0;
  for (size_t i = 0; i < count; i++) {
    logs += strstr(names[i], ".log") != NULL;
    infos += strncmp(names[i], "LOG", 3) == 0 && strcmp(names[i], "LOCK") != 0;
    options += strncmp(names[i], "OPTIONS", 7) == 0;
  }
  assert_in_range(logs, 0, 17); /* small ones wait for each other */
  assert_in_range(infos, 0, 2);
  assert_in_range(options, 0, 2);
}

/* Every open reads the whole manifest; without a bound it would grow for as long as a writer lives. */
static void test_the_manifest_of_a_long_writer_stays_small(void **state) {
  (void)state;
  static char names[200][64];
  char path[512], value[24];
  struct stat info;
  rem_kv_options options;
  int manifests = 0;
  assert_ok(rem_kv_close(kv, &err));
  rem_kv_options_init(&options);
  options.mode = REM_KV_WRITE;
  options.manifest_bytes = 4096;
  assert_ok(rem_kv_open(folder, &options, &kv, &err));
  for (int i = 0; i < 100; i++) {
    snprintf(value, sizeof value, "%d", i);
    kv_put(kv, REM_CF_META, "a", value);
    assert_ok(rem_kv_flush(kv, &err));
  }
  size_t count = list_folder(folder, names, 200);
  for (size_t i = 0; i < count; i++) {
    if (strncmp(names[i], "MANIFEST", 8) != 0)
      continue;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    assert_int_equal(stat(path, &info), 0);
    assert_in_range(info.st_size, 1, 8192);
    manifests++;
  }
  assert_in_range(manifests, 1, 2);
  rem_kv *reader = kv_open(folder, REM_KV_READ);
  kv_expect(reader, NULL, REM_CF_META, "a", "99");
  assert_ok(rem_kv_close(reader, &err));
}

static void test_a_reader_cannot_write(void **state) {
  (void)state;
  rem_kv *reader = kv_open(folder, REM_KV_READ);
  rem_kv_batch *batch = NULL;
  rem_error err = {0};
  assert_status(rem_kv_batch_new(reader, &batch, &err), REM_READONLY);
  assert_null(batch);
  assert_status(rem_kv_flush(reader, &err), REM_READONLY);
  assert_ok(rem_kv_close(reader, &err));
}

static void test_a_refresh_shows_what_was_written_since_and_old_views_stay(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "a", "old");
  rem_kv *reader = kv_open(folder, REM_KV_READ);
  rem_kv_snapshot *snapshot = NULL;
  rem_kv_pin pin = {0};
  assert_ok(rem_kv_snapshot_acquire(reader, &snapshot, &err));
  assert_ok(rem_kv_get(reader, NULL, REM_CF_META, text("a"), &pin, &err));
  kv_put(kv, REM_CF_META, "a", "new");
  kv_expect(reader, NULL, REM_CF_META, "a", "old");
  assert_ok(rem_kv_refresh(reader, &err));
  kv_expect(reader, NULL, REM_CF_META, "a", "new");
  kv_expect(reader, snapshot, REM_CF_META, "a", "old");
  assert_true(rem_slice_equal(rem_kv_pin_slice(&pin), text("old")));
  assert_ok(rem_kv_flush(kv, &err));
  assert_ok(rem_kv_refresh(reader, &err));
  kv_expect(reader, NULL, REM_CF_META, "a", "new");
  kv_expect(reader, snapshot, REM_CF_META, "a", "old");
  rem_kv_pin_release(&pin);
  rem_kv_snapshot_release(snapshot);
  assert_ok(rem_kv_close(reader, &err));
}

static void test_things_left_at_close_are_reported_and_stay_usable(void **state) {
  (void)state;
  kv_put(kv, REM_CF_META, "a", "1");
  rem_kv_iterator *it = NULL;
  rem_kv_snapshot *snapshot = NULL;
  rem_kv_pin pin = {0};
  assert_ok(rem_kv_iterator_prefix(kv, NULL, REM_CF_META, text(""), &it, &err));
  assert_ok(rem_kv_snapshot_acquire(kv, &snapshot, &err));
  assert_ok(rem_kv_get(kv, NULL, REM_CF_META, text("a"), &pin, &err));
  rem_error err = {0};
  assert_status(rem_kv_close(kv, &err), REM_INTERNAL);
  assert_non_null(strstr(err.message, "1 iterators, 1 snapshots, 1 pinned values and 0 batches"));
  rem_kv_iterator_first(it);
  assert_true(rem_slice_equal(rem_kv_iterator_value(it), text("1")));
  rem_kv_iterator_free(it);
  rem_kv_snapshot_release(snapshot);
  assert_true(rem_slice_equal(rem_kv_pin_slice(&pin), text("1")));
  rem_kv_pin_release(&pin); /* the last: now the database is closed, and can be opened again */
  kv = kv_open(folder, REM_KV_WRITE);
}

static void test_a_forked_child_may_not_use_the_handle(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    rem_error err = {0};
    rem_kv_pin pin = {0};
    rem_kv_batch *batch = NULL;
    int bad = rem_kv_get(kv, NULL, REM_CF_META, text("a"), &pin, &err) != REM_MISUSE;
    bad |= rem_kv_flush(kv, &err) != REM_MISUSE;
    bad |= rem_kv_batch_new(kv, &batch, &err) == REM_OK && rem_kv_write(kv, batch, false, &err) != REM_MISUSE;
    bad |= rem_kv_reopen(kv, 0, &err) != REM_MISUSE;
    bad |= rem_kv_close(kv, &err) != REM_MISUSE;
    _exit(bad);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  kv_put(kv, REM_CF_META, "a", "1"); /* the parent is unharmed */
  kv_expect(kv, NULL, REM_CF_META, "a", "1");
}

static void test_figures_follow_the_data(void **state) {
  (void)state;
  static char value[2000];
  memset(value, 'v', sizeof value - 1);
  for (int i = 0; i < 100; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%03d", i);
    kv_put(kv, REM_CF_VECTORS, key, value);
  }
  rem_kv_family_stats stats;
  assert_ok(rem_kv_stats(kv, REM_CF_VECTORS, &stats, &err));
  assert_int_equal(stats.estimated_keys, 100);
  assert_in_range(stats.memory_bytes, 200000, 4000000);
  assert_ok(rem_kv_flush(kv, &err));
  assert_ok(rem_kv_stats(kv, REM_CF_VECTORS, &stats, &err));
  assert_in_range(stats.table_bytes, 200000, 300000); /* vectors are not compressed */
  uint64_t half = rem_kv_range_bytes(kv, REM_CF_VECTORS, text("k000"), text("k050"));
  assert_in_range(half, 70000, 150000);
  rem_kv_batch *batch = NULL;
  assert_ok(rem_kv_batch_new(kv, &batch, &err));
  rem_kv_batch_delete_range(batch, REM_CF_VECTORS, text("k000"), text("k099"));
  assert_ok(rem_kv_write(kv, batch, false, &err));
  rem_kv_batch_free(batch);
  assert_ok(rem_kv_flush(kv, &err));
  assert_ok(rem_kv_compact(kv, REM_CF_VECTORS, text(""), text(""), &err));
  assert_ok(rem_kv_stats(kv, REM_CF_VECTORS, &stats, &err));
  assert_in_range(stats.table_bytes, 1, 10000);
  assert_ok(rem_kv_verify(kv, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      with_store(test_a_value_written_is_read_back),
      with_store(test_a_batch_is_applied_in_order_and_rolls_back_to_savepoints),
      with_store(test_a_range_is_deleted_without_its_end),
      with_store(test_a_snapshot_keeps_its_view),
      with_store(test_many_keys_are_read_at_once),
      with_store(test_an_iterator_stays_within_its_bounds),
      with_store(test_narrowed_ranges_agree_with_a_sorted_array),
      with_store(test_making_a_database_twice_is_refused),
      with_store(test_a_second_writer_is_locked_out_even_without_our_lock),
      with_store(test_a_half_made_database_is_made_again),
      with_store(test_a_missing_database_is_unknown),
      with_store(test_what_is_written_survives_closing),
      with_store(test_a_reader_leaves_the_folder_as_it_was),
      with_store(test_many_opens_do_not_litter),
      with_store(test_the_manifest_of_a_long_writer_stays_small),
      with_store(test_a_reader_cannot_write),
      with_store(test_a_refresh_shows_what_was_written_since_and_old_views_stay),
      with_store(test_things_left_at_close_are_reported_and_stay_usable),
      with_store(test_a_forked_child_may_not_use_the_handle),
      with_store(test_figures_follow_the_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
