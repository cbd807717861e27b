/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs in step with the store: from nothing to a file, through reopening, readers, deletes, and snapshots of any age. */
#include "ann_test.h"

#include <dirent.h>
#include <fcntl.h>

#include "ann/ann_internal.h"
#include "vector/graph_internal.h"

#define ROWS 600
#define MIN_ROWS 200

static size_t count_files(const world *w) {
  char folder[96];
  size_t count = 0;
  snprintf(folder, sizeof folder, "%s/vectors", w->path);
  DIR *open = opendir(folder);
  for (struct dirent *entry; open && (entry = readdir(open));)
    count += entry->d_name[0] != '.';
  if (open)
    closedir(open);
  return count;
}

static void expect_same_now(world *w, uint64_t number, bool must_answer) {
  float query[DIMENSION];
  rem_kv_snapshot *snapshot = world_snapshot(w);
  make_vector(number, query);
  rem_status exact = world_compare(w, snapshot, query, 10, true, NULL);
  rem_status walked = world_compare(w, snapshot, query, 10, false, NULL);
  if (must_answer) {
    assert_int_equal(exact, REM_OK);
    assert_int_equal(walked, REM_OK);
  }
  rem_kv_snapshot_release(snapshot);
}

static void a_small_table_has_no_graph(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, MIN_ROWS - 1);
  world_detach(w, false);
  world_attach(w, true);
  assert_string_equal(world_stats(w).state, "none");
  assert_int_equal(count_files(w), 0);
  world_free(w);
}

static void a_graph_comes_by_itself_and_is_there_after_reopening(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_detach(w, false);
  size_t files = count_files(w); /* two when one was due before the end: the last but one stays for readers */
  assert_in_range(files, 1, 2);
  world_attach(w, true);
  expect_same_now(w, 5000001, true);
  rem_ann_stats stats = world_stats(w);
  assert_string_equal(stats.state, "file");
  assert_int_equal(stats.graph.rows, ROWS);
  assert_true(stats.graph.recall > 0.5);
  assert_true(stats.file_bytes > 0);
  world_check(w);
  /* Few changes are not worth a new file; they are found all the same, also by a reader. */
  world_op ops[] = {{PUT, 3, 90001}, {HIDE, 4, 0}, {PUT, ROWS + 1, 90002}, {PURGE, 5, 0}};
  world_commit(w, ops, 4);
  for (uint64_t i = 0; i < 20; i++)
    expect_same_now(w, 90000 + i, true);
  world_detach(w, false);
  assert_int_equal(count_files(w), files);
  world_attach(w, true);
  for (uint64_t i = 0; i < 20; i++)
    expect_same_now(w, 90000 + i, true);
  assert_int_equal(world_stats(w).recent, 4);
  world *reader = world_reader(w);
  for (uint64_t i = 0; i < 20; i++)
    expect_same_now(reader, 90000 + i, true);
  world_reader_free(reader);
  world_check(w);
  world_free(w);
}

static void a_row_that_comes_back_is_found_again(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  float vector[DIMENSION];
  make_vector(17, vector);
  for (int round = 0; round < 3; round++) {
    world_op hide = {HIDE, 17, 0}, show = {SHOW, 17, 0};
    world_commit(w, &hide, 1);
    expect_same_now(w, 17, true);
    if (round == 1)
      world_checkpoint(w);
    world_commit(w, &show, 1);
    expect_same_now(w, 17, true);
    rem_ann_target target = world_target();
    rem_ann_query query = {.vector = vector, .k = 1};
    rem_vector_hits hits = {0};
    rem_kv_snapshot *snapshot = world_snapshot(w);
    OK(rem_ann_search(w->ann, &target, snapshot, &query, &hits, NULL, err));
    assert_int_equal(hits.count, 1);
    assert_int_equal(id_row(hits.hits[0].id), 17);
    assert_true(hits.hits[0].score > 0.9999);
    rem_vector_hits_deinit(&hits);
    rem_kv_snapshot_release(snapshot);
  }
  world_free(w);
}

/* ---- snapshots ---- */

typedef struct held {
  rem_kv_snapshot *snapshot;
} held;

static world_op random_op(world *w, randoms *r, bool *exists, bool *hidden) {
  uint32_t row = (uint32_t)next_random(r, ROWS);
  uint64_t kind = next_random(r, 10);
  world_op op = {PUT, row, next_random(r, 1 << 20)};
  if (exists[row] && kind < 3)
    op.kind = hidden[row] ? SHOW : HIDE;
  else if (exists[row] && kind == 3)
    op.kind = PURGE;
  bool was_live = exists[row] && !hidden[row];
  exists[row] = op.kind != PURGE;
  hidden[row] = op.kind == HIDE;
  w->live += (exists[row] && !hidden[row]) - was_live;
  return op;
}

static void random_commit(world *w, randoms *r, bool *exists, bool *hidden) {
  world_op ops[16];
  size_t count = 1 + next_random(r, 16);
  for (size_t i = 0; i < count; i++)
    ops[i] = random_op(w, r, exists, hidden);
  world_commit(w, ops, count);
}

/* Searches under snapshots of every age give what the snapshot has, whatever was written, checkpointed, dropped or reopened since. */
static void run_history(uint64_t seed, int steps, uint64_t memory_bytes) {
  world *w = world_new(MIN_ROWS);
  w->options.memory_bytes = memory_bytes;
  rem_ann_close(w->ann, true);
  OK(rem_ann_new(&w->options, &w->ann, err));
  bool exists[ROWS] = {0}, hidden[ROWS] = {0};
  rem_kv_snapshot *held[6] = {0};
  randoms r = {seed};
  int answered = 0, asked = 0;
  world_fill(w, 0, ROWS);
  memset(exists, 1, sizeof exists);
  world *reader = world_reader(w);
  for (int step = 0; step < steps; step++) {
    float query[DIMENSION];
    random_commit(w, &r, exists, hidden);
    make_vector(next_random(&r, 1 << 20), query);
    size_t place = next_random(&r, 6);
    if (!held[place])
      held[place] = world_snapshot(w);
    asked++;
    answered += world_compare(w, held[place], query, 1 + next_random(&r, 20), next_random(&r, 2), NULL) == REM_OK;
    if (next_random(&r, 3) == 0) {
      rem_kv_snapshot_release(held[place]);
      held[place] = NULL;
    }
    expect_same_now(w, next_random(&r, 1 << 20), false);
    expect_same_now(reader, next_random(&r, 1 << 20), false);
    if (next_random(&r, 12) == 0)
      OK(rem_kv_refresh(reader->kv, err));
    if (next_random(&r, 25) == 0)
      world_checkpoint(w);
    if (next_random(&r, 60) == 0)
      OK(rem_ann_drop(w->ann, TENANT, TABLE, 0, err));
    if (next_random(&r, 40) == 0) {
      for (size_t i = 0; i < 6; i++)
        rem_kv_snapshot_release(REM_TAKE(held[i]));
      world_detach(w, next_random(&r, 2));
      world_attach(w, true);
    }
  }
  world_check(w);
  for (size_t i = 0; i < 6; i++)
    rem_kv_snapshot_release(held[i]);
  if (answered * 4 < asked)
    fail_msg("seed %llu: the graph answered only %d of %d searches", (unsigned long long)seed, answered, asked);
  world_reader_free(reader);
  world_free(w);
}

static void every_snapshot_sees_its_own_rows(void **state) {
  (void)state;
  uint64_t first = test_scale() > 1 ? (uint64_t)getpid() : 41;
  for (uint64_t seed = first; seed < first + test_scale(); seed++) {
    print_message("seed %llu\n", (unsigned long long)seed);
    run_history(seed * 1000003, 400, seed % 2 ? 0 : 1);
    run_history(seed * 1000033, 200, 1); /* graphs go back to their files whenever they can */
  }
}

/* A process that goes on searching beside many changes takes the graph into memory and the changes into the graph; also a reader. */
static void many_searches_beside_changes_move_them_into_the_graph(void **state) {
  (void)state;
  world *w = world_new(2000);
  world_fill(w, 0, 2200);
  world_checkpoint(w);
  world_detach(w, false);
  world_attach(w, true);
  w->live = 2200;
  world_fill(w, 2200, 3000);
  world *reader = world_reader(w);
  for (int i = 0; i < 5000 && world_stats(reader).recent; i++) {
    expect_same_now(reader, (uint64_t)i, true);
    if (i > 20)
      usleep(1000);
  }
  assert_string_equal(world_stats(reader).state, "memory");
  assert_int_equal(world_stats(reader).recent, 0);
  expect_same_now(reader, 77, true);
  world_reader_free(reader);
  world_free(w);
}

static void change_rows(world *w, uint32_t first, uint32_t end, uint64_t version) {
  for (uint32_t i = first; i < end; i++) {
    world_op op = {PUT, i, version + i};
    world_commit(w, &op, 1);
  }
}

/* What a graph found of a shared set holds until it changes, whichever graph it is. */
static void a_shared_set_of_ids_follows_the_graph(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, 600);
  world_checkpoint(w);
  rem_ann_ids *set = world_ids(600, 3);
  for (uint64_t round = 0; round < 12; round++) {
    rem_kv_snapshot *snapshot = world_snapshot(w);
    for (uint64_t i = 0; i < 4; i++) {
      float query[DIMENSION];
      make_vector(round * 4 + i, query);
      assert_int_equal(world_compare_of(w, snapshot, query, 10, i % 2, set, NULL), REM_OK);
    }
    rem_kv_snapshot_release(snapshot);
    assert_true(rem_ann_ids_bytes(set) > 16 * 200);
    if (round % 3 == 1)
      change_rows(w, (uint32_t)round * 30, (uint32_t)round * 30 + 20, round << 21);
    if (round == 5) /* other graphs, from the same file */
      world_detach(w, false);
    if (round == 5)
      world_attach(w, true);
    if (round == 8)
      OK(rem_ann_drop(w->ann, TENANT, TABLE, 0, err));
    if (round == 8)
      world_checkpoint(w);
  }
  rem_ann_ids_unref(set);
  world_free(w);
}

/* Rows that died are not purged from under a snapshot that lives, and are once it is gone. */
static void a_snapshot_that_lives_keeps_its_rows_in_the_graph(void **state) {
  enum { ALL = 2600, CHANGED = 1300 };
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ALL);
  world_checkpoint(w);
  assert_string_equal(world_stats(w).state, "memory");
  atomic_store(&rem_ann__at(w->ann, 0)->look_at, UINT64_MAX); /* no checkpoint beside this: one that builds anew leaves the dead out */
  rem_kv_snapshot *old = world_snapshot(w);
  change_rows(w, 0, CHANGED, 1 << 22);
  for (uint64_t i = 0; i < 5; i++) {
    float query[DIMENSION];
    make_vector(i, query);
    assert_int_equal(world_compare(w, old, query, 10, false, NULL), REM_OK);
    expect_same_now(w, i, true);
  }
  rem_ann_stats stats = world_stats(w);
  if (stats.graph.dead_rows + stats.recent < CHANGED)
    fail_msg("%llu dead rows, %llu recent", (unsigned long long)stats.graph.dead_rows, (unsigned long long)stats.recent);
  rem_kv_snapshot_release(old);
  change_rows(w, 0, 10, 2 << 22);
  world_checkpoint(w);
  assert_true(world_stats(w).graph.dead_rows < 100);
  expect_same_now(w, 3, true);
  world_free(w);
}

/* But not for ever: twice the rows is what a graph may become. */
static void dead_rows_do_not_outgrow_the_living(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, 1100);
  world_checkpoint(w);
  rem_kv_snapshot *old = world_snapshot(w);
  for (uint64_t round = 1; round <= 4; round++)
    change_rows(w, 0, 1000, round << 21);
  world_checkpoint(w);
  assert_true(world_stats(w).graph.dead_rows <= 1200);
  expect_same_now(w, 3, true);
  rem_kv_snapshot_release(old);
  world_free(w);
}

/* ---- memory ---- */

static void a_graph_beyond_the_limit_goes_back_to_its_file(void **state) {
  (void)state;
  uint64_t bytes, limit;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, 600);
  world_checkpoint(w);
  assert_string_equal(world_stats(w).state, "memory");
  rem_ann_memory_get(w->ann, &bytes, &limit);
  assert_true(bytes > 600 * DIMENSION * 2 && limit > bytes);
  world_detach(w, false);
  w->options.memory_bytes = 1;
  world_attach(w, true);
  w->live = 600;
  for (uint64_t round = 0; round < 4; round++) {
    change_rows(w, 0, 300, round << 21);
    world_checkpoint(w); /* into memory, to a file, and back */
    assert_string_equal(world_stats(w).state, "file");
    assert_int_equal(world_stats(w).recent, 0);
    rem_ann_memory_get(w->ann, &bytes, &limit);
    assert_int_equal(bytes, 0);
    assert_int_equal(limit, 1);
    change_rows(w, 300, 310, round << 22);
    for (uint64_t i = 0; i < 5; i++)
      expect_same_now(w, i + round, true);
  }
  world_check(w);
  world_free(w);
}

/* ---- files ---- */

static void old_files_go_and_the_last_stays_for_readers(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  for (uint64_t round = 0; round < 5; round++) {
    world_op op = {PUT, 1, 777000 + round};
    world_commit(w, &op, 1);
    world_checkpoint(w);
    assert_true(count_files(w) <= 2);
  }
  world *reader = world_reader(w); /* names the file there is now */
  world_op op = {PUT, 2, 888000};
  world_commit(w, &op, 1);
  world_checkpoint(w);
  expect_same_now(reader, 5, true);
  world_reader_free(reader);
  world_free(w);
}

/* All changes up to the file are gone from the log, none after it is. */
static void a_checkpoint_trims_the_log(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  world_op op = {PUT, 1, 777000};
  world_commit(w, &op, 1);
  rem_kv_iterator *iterator = NULL;
  size_t count = 0;
  OK(rem_kv_iterator_prefix(w->kv, NULL, REM_CF_VECTOR_LOG, rem_slice_text("vlog:"), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator))
    count++;
  rem_kv_iterator_free(iterator);
  assert_int_equal(count, 1);
  world_free(w);
}

/* With a threshold that parts the nearly equal rows in two. */
static void expect_matches(world *w, uint64_t number, size_t place, size_t k) {
  float vector[DIMENSION];
  make_vector(number, vector);
  rem_kv_snapshot *snapshot = world_snapshot(w);
  rem_vector_hits wanted = plain_answer(w, snapshot, vector, NULL), hits = {0};
  rem_ann_target target = world_target();
  rem_ann_query query = {.vector = vector, .k = k, .has_threshold = true, .threshold = wanted.hits[place].score};
  size_t matches = 0;
  while (matches < wanted.count && wanted.hits[matches].score >= query.threshold)
    matches++;
  rem_status status;
  OK(status = rem_ann_search(w->ann, &target, snapshot, &query, &hits, NULL, err));
  assert_int_equal(status, REM_OK);
  assert_int_equal(hits.count, k != 0 && k < matches ? k : matches);
  for (size_t i = 0; i < hits.count; i++)
    assert_true(hits.hits[i].score >= query.threshold);
  rem_vector_hits_deinit(&wanted);
  rem_vector_hits_deinit(&hits);
  rem_kv_snapshot_release(snapshot);
}

/* The graph keeps such rows as one vector; the stored ones have the last word, in memory and in a file. */
static void rows_that_differ_in_their_last_bits_are_told_apart(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  for (uint32_t i = 0; i < 100; i++) {
    world_op op = {PUT, i * 3, NEARLY_EQUAL + i};
    world_commit(w, &op, 1);
  }
  for (int round = 0; round < 2; round++) {
    for (uint64_t i = 0; i < 10; i++)
      expect_same_now(w, i % 2 ? NEARLY_EQUAL + i * 7 : i, true);
    for (uint64_t i = 0; i < 20; i++)
      expect_matches(w, i % 2 ? i : NEARLY_EQUAL + i * 3, 25 + i, i % 4 == 0 ? 0 : 5 * (i % 4));
    world_checkpoint(w);
    world_check(w);
  }
  world_free(w);
}

static void another_model_gets_another_graph(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  float query[DIMENSION];
  make_vector(1, query);
  rem_ann_target other = world_target();
  other.model_hash = "another";
  rem_ann_query search = {.vector = query, .k = 3};
  rem_vector_hits hits = {0};
  rem_kv_snapshot *snapshot = world_snapshot(w);
  rem_status status;
  OK(status = rem_ann_search(w->ann, &other, snapshot, &search, &hits, NULL, err));
  assert_int_equal(status, REM_NOT_FOUND);
  char notice[256];
  assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_OK);
  assert_non_null(strstr(notice, TABLE));
  rem_kv_snapshot_release(snapshot);
  world_free(w);
}

/* ---- what is no longer of use ---- */

static size_t count_keys(world *w, rem_kv_family family, const char *prefix) {
  rem_kv_iterator *iterator = NULL;
  size_t count = 0;
  OK(rem_kv_iterator_prefix(w->kv, NULL, family, rem_slice_text(prefix), &iterator, err));
  for (rem_kv_iterator_first(iterator); rem_kv_iterator_valid(iterator); rem_kv_iterator_next(iterator))
    count++;
  rem_kv_iterator_free(iterator);
  return count;
}

/* Without graphs by configuration nothing reads the log: it does not grow without end, and a file that it no longer leads on from is not used again. */
static void a_flat_database_forgets_file_and_log(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_detach(w, false);
  w->options.flat = true;
  world_attach(w, true);
  world_op op = {PUT, 3, 90001};
  world_commit(w, &op, 1);
  world_detach(w, false);
  world_attach(w, true);
  assert_int_equal(count_keys(w, REM_CF_META, "graph:"), 1); /* a little is kept for whoever changes his mind */
  assert_int_equal(count_keys(w, REM_CF_VECTOR_LOG, "vlog:"), 1);
  world_fill(w, ROWS, ROWS + 2 * MIN_ROWS);
  world_detach(w, false);
  w->options.flat = false;
  world_attach(w, true);
  assert_int_equal(count_keys(w, REM_CF_VECTOR_LOG, "vlog:"), 0);
  assert_int_equal(count_keys(w, REM_CF_META, "graph:"), 0);
  assert_int_equal(count_files(w), 0);
  expect_same_now(w, 3, false);
  world_commit(w, &op, 1);
  world_detach(w, false);
  world_attach(w, true);
  for (uint64_t i = 0; i < 10; i++)
    expect_same_now(w, 90000 + i, true);
  world_free(w);
}

static void make_file(const world *w, const char *name) {
  char path[160];
  snprintf(path, sizeof path, "%s/vectors/%s", w->path, name);
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(file >= 0);
  close(file);
}

/* What a kill between writing and naming has left goes with the next close, though no file is due then. */
static void files_that_nothing_names_go(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  world_detach(w, false);
  make_file(w, "00000000000000ab.graph");
  make_file(w, "00000000000000ad.graph.tmp");
  make_file(w, "notes.txt");
  size_t before = count_files(w);
  world_attach(w, true);
  world_op op = {PUT, 3, 90001};
  world_commit(w, &op, 1);
  world_detach(w, false);
  world_attach(w, true);
  assert_int_equal(count_files(w), before - 2);
  expect_same_now(w, 3, true);
  world_free(w);
}

/* Work that was waiting when a table's vectors were given up does not build from what the store still has of them. */
static void nothing_is_built_from_what_was_dropped(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  OK(rem_ann_drop(w->ann, TENANT, TABLE, 0, err));
  rem_ann__task(rem_ann__at(w->ann, 0));
  rem_ann_settle(w->ann);
  assert_int_equal(count_keys(w, REM_CF_META, "graph:"), 0);
  assert_int_equal(count_keys(w, REM_CF_VECTOR_LOG, "vlog:"), 0);
  assert_int_equal(count_files(w), 0);
  rem_ann_target target = world_target();
  rem_ann_want(w->ann, &target);
  rem_ann_settle(w->ann);
  assert_int_equal(count_keys(w, REM_CF_META, "graph:"), 1);
  expect_same_now(w, 3, true);
  world_free(w);
}

/* A reader whose view moved past a checkpoint while something long is under way does not take a log without its beginning for all that happened. */
static void a_log_without_its_beginning_is_not_caught_up_with(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  world *reader = world_reader(w);
  expect_same_now(reader, 3, true);
  for (uint32_t round = 0; round < 2; round++) {
    world_op ops[] = {{PUT, 3 + round, 90001 + round}, {HIDE, 10 + round, 0}};
    w->live--;
    world_commit(w, ops, 2);
    world_checkpoint(w);
  }
  world_op op = {PUT, 20, 90020};
  world_commit(w, &op, 1);
  OK(rem_kv_refresh(reader->kv, err));
  rem_ann__index *index = rem_ann__at(reader->ann, 0);
  pthread_mutex_lock(&index->work);
  for (uint64_t i = 0; i < 4; i++)
    expect_same_now(reader, 90001 + i, false);
  pthread_mutex_unlock(&index->work);
  for (uint64_t i = 0; i < 4; i++)
    expect_same_now(reader, 90001 + i, true);
  world_reader_free(reader);
  world_free(w);
}

/* The codes are fitted to the rows of the build; when most rows have come later they are chosen anew, also when processes came and went between. */
static void a_graph_that_has_outgrown_its_codes_is_built_anew(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  rem_ann_target target = world_target();
  world_fill(w, 0, ROWS);
  OK(rem_ann_checkpoint(w->ann, &target, true, err));
  world_detach(w, false);
  world_attach(w, true);
  w->live = ROWS;
  world_fill(w, ROWS, 3 * ROWS);
  world_checkpoint(w);
  world_detach(w, false);
  world_attach(w, true);
  assert_int_equal(world_stats(w).graph.drift, 2 * ROWS);
  w->live = 3 * ROWS;
  world_fill(w, 3 * ROWS, 5 * ROWS);
  world_checkpoint(w);
  assert_true(world_stats(w).graph.drift <= ROWS);
  for (uint64_t i = 0; i < 10; i++)
    expect_same_now(w, i, true);
  world_check(w);
  world_free(w);
}

/* A pool smaller than a graph takes is no reason to do without it. */
static void a_tiny_pool_is_raised(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  char notice[256];
  w->options.search_ef = 3;
  world_detach(w, true);
  world_attach(w, true);
  world_fill(w, 0, ROWS);
  world_detach(w, false);
  world_attach(w, true);
  expect_same_now(w, 3, true);
  assert_int_equal(rem_ann_notice(w->ann, notice, sizeof notice), REM_NOT_FOUND);
  world_free(w);
}

/* A commit asks for the indexes of its tenant only, of which none is missed. */
static void indexes_are_found_by_tenant(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  char tenant[16];
  for (unsigned i = 0; i < 300; i++) {
    snprintf(tenant, sizeof tenant, "t%u", i % 100);
    rem_ann_target target = {.tenant = tenant, .table = TABLE, .area = i / 100, .dimension = DIMENSION};
    assert_non_null(rem_ann__find_place(w->ann, &target, true));
  }
  for (unsigned i = 0; i < 100; i++) {
    unsigned areas = 0;
    snprintf(tenant, sizeof tenant, "t%u", i);
    for (rem_ann__index *index = rem_ann__first_of(w->ann, tenant); index; index = index->next_of_tenant) {
      assert_string_equal(index->tenant, tenant);
      areas |= 1u << index->area;
    }
    assert_int_equal(areas, 7);
  }
  assert_null(rem_ann__first_of(w->ann, "t100"));
  world_free(w);
}

/* Writing a file takes seconds, in which the graph does not change: whoever asks for figures then would keep commits and searches waiting as well. */
static void figures_do_not_wait_for_a_file(void **state) {
  (void)state;
  world *w = world_new(MIN_ROWS);
  world_fill(w, 0, ROWS);
  world_checkpoint(w);
  rem_ann__index *index = rem_ann__at(w->ann, 0);
  pthread_mutex_lock(&index->work);
  assert_non_null(index->graph);
  pthread_mutex_lock(&index->graph->change);
  assert_int_equal(world_stats(w).graph.rows, ROWS);
  pthread_mutex_unlock(&index->graph->change);
  pthread_mutex_unlock(&index->work);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_small_table_has_no_graph),
      cmocka_unit_test(a_graph_comes_by_itself_and_is_there_after_reopening),
      cmocka_unit_test(a_row_that_comes_back_is_found_again),
      cmocka_unit_test(every_snapshot_sees_its_own_rows),
      cmocka_unit_test(many_searches_beside_changes_move_them_into_the_graph),
      cmocka_unit_test(a_shared_set_of_ids_follows_the_graph),
      cmocka_unit_test(a_snapshot_that_lives_keeps_its_rows_in_the_graph),
      cmocka_unit_test(dead_rows_do_not_outgrow_the_living),
      cmocka_unit_test(a_graph_beyond_the_limit_goes_back_to_its_file),
      cmocka_unit_test(old_files_go_and_the_last_stays_for_readers),
      cmocka_unit_test(a_checkpoint_trims_the_log),
      cmocka_unit_test(rows_that_differ_in_their_last_bits_are_told_apart),
      cmocka_unit_test(another_model_gets_another_graph),
      cmocka_unit_test(a_flat_database_forgets_file_and_log),
      cmocka_unit_test(files_that_nothing_names_go),
      cmocka_unit_test(nothing_is_built_from_what_was_dropped),
      cmocka_unit_test(a_log_without_its_beginning_is_not_caught_up_with),
      cmocka_unit_test(a_graph_that_has_outgrown_its_codes_is_built_anew),
      cmocka_unit_test(a_tiny_pool_is_raised),
      cmocka_unit_test(indexes_are_found_by_tenant),
      cmocka_unit_test(figures_do_not_wait_for_a_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
