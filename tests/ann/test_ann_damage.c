/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged, cut, foreign and missing files: the answer is exact or there is none, and a writer makes the graph anew. */
#include "ann_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ann/ann_internal.h"

#define ROWS 400
#define MIN_ROWS 100

/* The path of the graph file that is named; the one before it may be there too. */
static void find_file(const world *w, char *ret_path, size_t size) {
  char path[REM_ANN__PATH_SIZE];
  rem_ann__record record;
  rem_ann_target target = world_target();
  rem_ann__index *index = rem_ann__find_place(w->ann, &target, true);
  rem_status status;
  assert_non_null(index);
  OK(status = rem_ann__record_read(index, NULL, &record, err));
  assert_int_equal(status, REM_OK);
  rem_ann__path(w->ann, record.file, path);
  assert_true(strlen(path) < size);
  memcpy(ret_path, path, strlen(path) + 1);
}

static world *world_with_file(char *ret_path, size_t size) {
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_detach(w, false);
  world_attach(w, false);
  find_file(w, ret_path, size);
  return w;
}

/* A new set of graphs on the same store, as a reader; its answers are right, or there are none. Returns how many there were. */
static int search_anew(world *w, uint64_t number) {
  int answered = 0;
  rem_ann_close(w->ann, true);
  OK(rem_ann_new(&w->options, &w->ann, err));
  rem_kv_snapshot *snapshot = world_snapshot(w);
  for (uint64_t i = 0; i < 4; i++) {
    float query[DIMENSION];
    make_vector(number * 4 + i, query);
    answered += world_compare(w, snapshot, query, 10, i % 2, NULL) == REM_OK;
  }
  rem_kv_snapshot_release(snapshot);
  return answered;
}

static void flip(int file, off_t at, unsigned mask) {
  unsigned char byte;
  assert_int_equal(pread(file, &byte, 1, at), 1);
  byte = (unsigned char)(byte ^ mask);
  assert_int_equal(pwrite(file, &byte, 1, at), 1);
}

static void no_flipped_byte_leads_to_a_wrong_answer(void **state) {
  (void)state;
  char path[256];
  world *w = world_with_file(path, sizeof path);
  struct stat info;
  int file = open(path, O_RDWR), refused = 0, tried = 0;
  assert_true(file >= 0 && fstat(file, &info) == 0);
  assert_int_equal(search_anew(w, 1), 4);
  off_t step = test_scale() > 1 ? 61 : 709;
  for (off_t at = 0; at < info.st_size; at += step, tried++) {
    flip(file, at, 1u << (at % 8));
    refused += search_anew(w, (uint64_t)at) < 4;
    flip(file, at, 1u << (at % 8));
  }
  assert_int_equal(search_anew(w, 2), 4);
  assert_true(refused > tried / 4);
  close(file);
  world_free(w);
}

static void no_cut_leads_to_a_wrong_answer(void **state) {
  (void)state;
  char path[256];
  world *w = world_with_file(path, sizeof path);
  struct stat info;
  rem_bytes content = {0};
  assert_int_equal(stat(path, &info), 0);
  OK(rem_file_read(path, (size_t)1 << 30, &content, err));
  for (int i = 0; i < 24; i++) {
    off_t size = info.st_size * i / 24 - (i % 3 == 2);
    assert_int_equal(truncate(path, size > 0 ? size : 0), 0);
    assert_int_equal(search_anew(w, (uint64_t)i), 0);
    OK(rem_file_write_atomic(path, content.data, content.size, 0600, err));
  }
  assert_int_equal(search_anew(w, 7), 4);
  /* Longer than it says, and a file that is somebody else's. */
  char *longer = malloc(content.size + 100);
  memcpy(longer, content.data, content.size);
  memset(longer + content.size, 7, 100);
  OK(rem_file_write_atomic(path, longer, content.size + 100, 0600, err));
  (void)search_anew(w, 8);
  OK(rem_file_write_atomic(path, "hello", 5, 0600, err));
  assert_int_equal(search_anew(w, 9), 0);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(search_anew(w, 10), 0);
  char notice[256];
  assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_OK);
  assert_non_null(strstr(notice, "until a writer"));
  free(longer);
  rem_free(content.data);
  world_free(w);
}

static void expect_rebuilt(world *w) {
  world_detach(w, false);
  world_attach(w, true);
  assert_int_equal(search_anew(w, 3), 4);
  assert_string_equal(world_stats(w).state, "file");
  world_check(w);
}

static void a_writer_builds_anew_what_is_damaged(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    char path[256], notice[256];
    world *w = world_with_file(path, sizeof path);
    world_detach(w, true);
    if (kind == 0)
      assert_int_equal(unlink(path), 0);
    if (kind == 1)
      assert_int_equal(truncate(path, 1000), 0);
    if (kind == 2) {
      int file = open(path, O_RDWR);
      flip(file, 9, 255);
      close(file);
    }
    world_attach(w, true);
    float query[DIMENSION];
    make_vector(4, query);
    rem_kv_snapshot *snapshot = world_snapshot(w);
    (void)world_compare(w, snapshot, query, 10, false, NULL);
    rem_kv_snapshot_release(snapshot);
    assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_OK);
    assert_non_null(strstr(notice, "built anew"));
    expect_rebuilt(w);
    world_free(w);
  }
}

/* One that only writes a row, and searches nothing, finds the damage when it closes. */
static void a_writer_that_never_searched_builds_anew_too(void **state) {
  (void)state;
  char path[256];
  world *w = world_with_file(path, sizeof path);
  world_detach(w, true);
  assert_int_equal(truncate(path, 100), 0);
  world_attach(w, true);
  world_op op = {PUT, 3, 123456};
  w->live = ROWS;
  world_commit(w, &op, 1);
  expect_rebuilt(w);
  world_free(w);
}

static uint64_t incarnation_of(const world *w) {
  rem_ann__record record = {0};
  rem_ann_target target = world_target();
  OK(rem_ann__record_read(rem_ann__find_place(w->ann, &target, true), NULL, &record, err));
  return record.incarnation;
}

static int count_answers(world *w) {
  int answered = 0;
  rem_kv_snapshot *snapshot = world_snapshot(w);
  for (uint64_t i = 0; i < 3; i++) {
    float query[DIMENSION];
    make_vector(i, query);
    answered += world_compare(w, snapshot, query, 10, i % 2, NULL) == REM_OK;
  }
  rem_kv_snapshot_release(snapshot);
  return answered;
}

/* No more files can be opened: no damage, so nothing is built, and the file serves once it can be opened. */
static void too_many_open_files_are_no_damage(void **state) {
  (void)state;
  for (int writer = 0; writer < 2; writer++) {
    char path[256], notice[256];
    world *w = world_with_file(path, sizeof path);
    world_detach(w, true);
    world_attach(w, writer);
    w->live = ROWS;
    uint64_t incarnation = incarnation_of(w);
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int answered = count_answers(w);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(answered, 0);
    assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_OK);
    assert_non_null(strstr(notice, "cannot be opened now"));
    assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_NOT_FOUND); /* told once */
    assert_int_equal(count_answers(w), 3);
    assert_string_equal(world_stats(w).state, "file");
    assert_int_equal(incarnation_of(w), incarnation);
    world_free(w);
  }
}

/* A writer that closes in that state neither builds nor forgets; what it could not do is told. */
static void a_close_without_files_to_open_forgets_nothing(void **state) {
  (void)state;
  char path[256], notice[256];
  world *w = world_with_file(path, sizeof path);
  world_detach(w, true);
  world_attach(w, true);
  rem_ann_target target = world_target();
  OK(rem_ann_checkpoint(w->ann, &target, true, err)); /* from all rows, so that changes do not call for another */
  rem_ann_close(w->ann, true);
  w->options.pool = NULL; /* nothing happens in the background */
  OK(rem_ann_new(&w->options, &w->ann, err));
  find_file(w, path, sizeof path);
  uint64_t incarnation = incarnation_of(w);
  for (uint32_t i = 0; i < MIN_ROWS + 20; i++) {
    world_op op = {PUT, i, 5000 + i};
    world_commit(w, &op, 1);
  }
  struct rlimit limit, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  rem_ann_settle(w->ann);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  bool told = false;
  while (rem_ann_notice(w->ann, notice, sizeof notice) == REM_OK)
    told |= strstr(notice, "could not be brought up to date") != NULL;
  assert_true(told);
  assert_int_equal(incarnation_of(w), incarnation);
  assert_int_equal(access(path, R_OK), 0);
  rem_ann_settle(w->ann); /* now it can */
  assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_NOT_FOUND);
  assert_int_equal(incarnation_of(w), incarnation);
  assert_int_equal(count_answers(w), 3);
  world_free(w);
}

/* A check finds what no search has touched. (Here and there a byte is only padding.) */
static void a_check_names_the_damage(void **state) {
  (void)state;
  char path[256];
  world *w = world_with_file(path, sizeof path);
  struct stat info;
  int file = open(path, O_RDWR), found = 0;
  assert_true(file >= 0 && fstat(file, &info) == 0);
  rem_ann_target target = world_target();
  rem_kv_snapshot *snapshot = world_snapshot(w);
  rem_error error = {0};
  uint64_t rows;
  for (off_t i = 0; i < 16; i++) {
    flip(file, info.st_size * i / 16 + 5, 16);
    rem_status status = rem_ann_check(w->ann, &target, snapshot, &rows, &error);
    assert_true(status == REM_OK || status == REM_CORRUPT);
    found += status == REM_CORRUPT;
    if (status == REM_CORRUPT)
      assert_non_null(strstr(error.message, TABLE));
    flip(file, info.st_size * i / 16 + 5, 16);
  }
  assert_true(found >= 12);
  assert_int_equal(rem_ann_check(w->ann, &target, snapshot, &rows, &error), REM_OK);
  assert_int_equal(rows, ROWS);
  rem_kv_snapshot_release(snapshot);
  close(file);
  world_free(w);
}

/* The store was changed past the index: a check tells, and a graph that was dropped and made anew is not mixed with what a reader has open. */
static void changes_past_the_index_are_found_and_mended(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  world *reader = world_reader(w);
  assert_int_equal(search_anew(reader, 5), 4);
  uint8_t id[16];
  rem_buffer key = {0}, row = {0};
  rem_kv_batch *batch;
  row_id(11, id);
  rem_key_vector(&key, TENANT, TABLE, 0, id);
  rem_key_entity(&row, TENANT, TABLE, id);
  OK(rem_kv_batch_new(w->kv, &batch, err));
  rem_kv_batch_delete(batch, REM_CF_VECTORS, rem_buffer_slice(&key));
  rem_kv_batch_delete(batch, REM_CF_ENTITIES, rem_buffer_slice(&row));
  OK(rem_kv_write(w->kv, batch, false, err));
  rem_kv_batch_free(batch);
  rem_ann_target target = world_target();
  rem_kv_snapshot *snapshot = world_snapshot(w);
  rem_error error = {0};
  uint64_t rows;
  assert_int_equal(rem_ann_check(w->ann, &target, snapshot, &rows, &error), REM_CORRUPT);
  rem_kv_snapshot_release(snapshot);
  OK(rem_ann_drop(w->ann, TENANT, TABLE, 0, err));
  OK(rem_ann_checkpoint(w->ann, &target, true, err));
  world_check(w);
  OK(rem_kv_refresh(reader->kv, err));
  float query[DIMENSION];
  make_vector(11, query);
  snapshot = world_snapshot(reader);
  assert_int_equal(world_compare(reader, snapshot, query, 5, true, NULL), REM_OK);
  rem_kv_snapshot_release(snapshot);
  rem_buffer_deinit(&key);
  rem_buffer_deinit(&row);
  world_reader_free(reader);
  world_free(w);
}

/* A file of an older or a newer program is no damage: it is told in so many words, and made anew. */
static void another_version_is_built_anew(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    char path[256], notice[256];
    world *w = world_with_file(path, sizeof path);
    int file = open(path, O_RDWR);
    flip(file, 8, kind ? 2 : 64); /* the lowest byte of the version */
    close(file);
    assert_int_equal(search_anew(w, 1), 0);
    assert_string_equal(world_stats(w).state, "outdated");
    assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_OK);
    assert_non_null(strstr(notice, "another version"));
    assert_non_null(strstr(notice, "until a writer"));
    assert_null(strstr(notice, "damaged"));
    world_check(w);
    world_detach(w, true);
    world_attach(w, true);
    w->live = ROWS;
    world_op op = {PUT, 3, 123456};
    world_commit(w, &op, 1);
    expect_rebuilt(w);
    world_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_flipped_byte_leads_to_a_wrong_answer),
      cmocka_unit_test(no_cut_leads_to_a_wrong_answer),
      cmocka_unit_test(a_writer_builds_anew_what_is_damaged),
      cmocka_unit_test(a_writer_that_never_searched_builds_anew_too),
      cmocka_unit_test(too_many_open_files_are_no_damage),
      cmocka_unit_test(a_close_without_files_to_open_forgets_nothing),
      cmocka_unit_test(a_check_names_the_damage),
      cmocka_unit_test(changes_past_the_index_are_found_and_mended),
      cmocka_unit_test(another_version_is_built_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
