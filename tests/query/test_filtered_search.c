/* SPDX-License-Identifier: Apache-2.0 */
/* Searches with a filter while rows change: through rem_search_vector() and SQL, with and without a graph, every answer beside one that is filtered here. */
#include "query_test.h"

enum { ROWS = 260, ROUNDS = 120, DIMENSION = 384, LIMIT = 5 };

static uint64_t seed = 20261128;
static const char *const categories[] = {"red", "green", "blue", "rare"};

static uint32_t random_below(uint32_t bound) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(((seed >> 32) * bound) >> 32);
}

static const char *any_category(void) {
  return categories[random_below(20) == 0 ? 3 : random_below(3)];
}

static void put_row(test_db *test, int number) {
  static const char *const subjects[] = {"bread", "a database", "the night train", "rain in autumn", "an old violin", "tax law"};
  char json[256];
  snprintf(json, sizeof json, "{\"uri\":\"file:///%d\",\"name\":\"n\",\"category\":\"%s\",\"content\":\"%s number %d\"}", number, any_category(),
           subjects[number % 6], number);
  put(test, "resources", json);
}

static test_db *open_small(void **state, const char *min_rows) {
  test_db *test = *state;
  OK(rem_config_set(test->config, "P8_VECTOR_INDEX_MIN_ROWS", min_rows, err));
  test_reopen(test, REM_WRITE, NULL);
  for (int i = 0; i < ROWS; i++)
    put_row(test, i);
  return test;
}

typedef struct answer {
  char ids[ROWS + ROUNDS][REM_ID_TEXT_SIZE];
  double scores[ROWS + ROUNDS];
  size_t count;
} answer;

static void ask_api(test_db *test, const float *query, const char *where, bool exact, int64_t limit, const char *category, answer *ret_answer) {
  rem_read_options options;
  rem_cursor *cursor;
  rem_row *row;
  rem_read_options_init(&options);
  options.where_json = where;
  options.exact = exact;
  options.limit = limit;
  ret_answer->count = 0;
  OK(rem_search_vector(test->db, query, DIMENSION, "resources", &options, &cursor, NULL, err));
  OK(rem_row_new(test->db, &row, err));
  for (rem_status status = REM_ROW; status == REM_ROW;) {
    rem_value value;
    OK(status = rem_cursor_next(cursor, row, err));
    if (status != REM_ROW)
      break;
    OK(rem_row_field(row, "category", &value, err));
    bool counts = !category || (value.text_size == strlen(category) && memcmp(value.text, category, value.text_size) == 0);
    assert_true(counts || !where); /* a row of another category was given */
    if (!counts || ret_answer->count == LIMIT)
      continue;
    rem_id_format(rem_row_id(row), ret_answer->ids[ret_answer->count]);
    ret_answer->scores[ret_answer->count++] = rem_row_score(row);
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
}

static void ask_sql(rem_statement *statement, const float *query, const char *category, answer *ret_answer) {
  rem_value vector = {.type = REM_TYPE_BLOB, .text = (const char *)query, .text_size = DIMENSION * sizeof *query};
  rem_value value = {.type = REM_TYPE_TEXT, .text = category, .text_size = strlen(category)};
  OK(rem_statement_bind(statement, 1, &vector, err));
  OK(rem_statement_bind(statement, 2, &value, err));
  for (ret_answer->count = 0; ret_answer->count < LIMIT; ret_answer->count++) {
    rem_status status;
    OK(status = rem_statement_step(statement, err));
    if (status != REM_ROW)
      break;
    rem_id_format(rem_statement_value(statement, 0).uuid, ret_answer->ids[ret_answer->count]);
    ret_answer->scores[ret_answer->count] = rem_statement_value(statement, 1).real;
  }
  rem_statement_reset(statement);
}

static void expect_same(const answer *found, const answer *wanted, const char *how, int round) {
  if (found->count != wanted->count)
    fail_msg("round %d, %s: %zu rows in place of %zu", round, how, found->count, wanted->count);
  for (size_t i = 0; i < found->count; i++)
    if (fabs(found->scores[i] - wanted->scores[i]) > 1e-6)
      fail_msg("round %d, %s: row %zu has the score %.8f, should have %.8f", round, how, i, found->scores[i], wanted->scores[i]);
}

static void change_something(test_db *test, int *next) {
  char key[64], json[64];
  int number = (int)random_below((uint32_t)*next), size = snprintf(key, sizeof key, "file:///%d:0", number);
  switch (random_below(6)) {
  case 0: put_row(test, (*next)++); return;
  case 1: {
    rem_write_result result;
    rem_error error = {0};
    rem_status status = rem_delete(test->db, "resources", key, (size_t)size, &result, &error);
    assert_true(status >= 0 || status == REM_NOT_FOUND);
    return;
  }
  case 2: put(test, "moments", "{\"name\":\"m\",\"moment_type\":\"event\",\"start_time\":\"2026-01-01T00:00:00Z\",\"category\":\"red\"}"); return;
  case 3: return; /* asked again */
  default: {
    rem_error error = {0};
    int length = snprintf(json, sizeof json, "{\"category\":\"%s\"}", any_category());
    (void)!rem_update(test->db, "resources", key, (size_t)size, json, (size_t)length, NULL, &error); /* it may be deleted */
  }
  }
}

static void check_rounds(test_db *test) {
  static answer wanted, api, sql;
  float query[DIMENSION];
  int next = ROWS;
  size_t dimension;
  rem_statement *statement;
  rem_session *session = open_session(test);
  const char *text = "SELECT id, _score FROM resources WHERE embedding.cosine(?1) AND category = ?2 LIMIT 5";
  OK(rem_session_prepare(session, text, strlen(text), &statement, NULL, err));
  OK(rem_embed(test->db, "how is bread made", 17, REM_QUERY, NULL, query, DIMENSION, &dimension, err));
  for (int round = 0; round < ROUNDS; round++) {
    const char *category = categories[random_below(4)];
    char where[64];
    snprintf(where, sizeof where, "{\"category\":\"%s\"}", category);
    change_something(test, &next);
    ask_api(test, query, NULL, true, 10000, category, &wanted);
    ask_api(test, query, where, false, LIMIT, category, &api);
    ask_sql(statement, query, category, &sql);
    expect_same(&api, &wanted, "rem_search_vector", round);
    expect_same(&sql, &wanted, "SQL", round);
  }
  rem_statement_free(statement);
  rem_session_close(session);
}

static void answers_follow_every_change_without_a_graph(void **state) {
  check_rounds(open_small(state, "100000"));
}

static void answers_follow_every_change_with_a_graph(void **state) {
  test_db *test = open_small(state, "100");
  test_reopen(test, REM_WRITE, NULL); /* made on close */
  check_rounds(test);
  test_reopen(test, REM_WRITE, NULL);
  check_rounds(test);
}

/* What was found for the newer state is no answer for the older one, nor the other way round. */
static void an_open_transaction_goes_on_seeing_its_own_rows(void **state) {
  test_db *test = open_small(state, "100");
  rem_session *old = open_session(test), *fresh = open_session(test);
  const char *sql = "SELECT count(*) AS n FROM (SELECT id FROM resources WHERE embedding.cosine('bread') AND category = 'new' LIMIT 50)";
  do_sql(old, "BEGIN");
  expect(old, sql, "{\"n\":0}\n");
  do_sql(fresh, "UPDATE resources SET category = 'new' WHERE category = 'rare'");
  char *count = run(fresh, "SELECT min(50, count(*)) AS n FROM resources WHERE category = 'new'");
  expect(fresh, sql, count);
  expect(old, sql, "{\"n\":0}\n");
  expect(fresh, sql, count);
  do_sql(old, "ROLLBACK");
  expect(old, sql, count);
  free(count);
  rem_session_close(old);
  rem_session_close(fresh);
}

static int announce(void **state) {
  print_message("seed %llu\n", (unsigned long long)seed);
  return test_setup(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(answers_follow_every_change_without_a_graph, announce, test_teardown),
      cmocka_unit_test_setup_teardown(answers_follow_every_change_with_a_graph, announce, test_teardown),
      cmocka_unit_test_setup_teardown(an_open_transaction_goes_on_seeing_its_own_rows, announce, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
