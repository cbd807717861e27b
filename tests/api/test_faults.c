/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of an operation fails in turn: the call says REM_NOMEM, nothing is half done, and the database goes on. (A call may
 * also succeed without the memory, where it only serves speed.)
 */
#include "api_test.h"

#include "base/alloc.h"

static const char schema[] =
    "{\"type\":\"object\",\"short_name\":\"item\",\"key_field\":\"code\",\"indexed_fields\":[\"n\",\"tags\"],"
    "\"embedding_provider\":\"default\",\"embedding_fields\":[\"text\"],\"properties\":{\"code\":{\"type\":\"string\"},"
    "\"n\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},"
    "\"required\":[\"code\"]}";

#define SWEEP_LIMIT 20000
#define PASSES 12
#define BIG 70000

typedef rem_status (*operation)(test_db *test, int64_t n, rem_error *error);

/* Runs the operation with its n-th allocation failing (and every later one too when n is odd), for n = 1, 2, … until it has passed so often
 * that no allocation can be left to fail. `verify` looks at what is stored after each. */
static void sweep(test_db *test, operation run, void (*verify)(test_db *test, int64_t n, rem_status status)) {
  int64_t failed = 0, passed = 0;
  for (int64_t n = 1; passed < PASSES; n++) {
    rem_error error = {0};
    assert_true(n < SWEEP_LIMIT);
    rem_alloc_fail_at(n, n % 2);
    rem_status status = run(test, n, &error);
    rem_alloc_fail_at(0, 0);
    if (status != REM_OK && status != REM_NOMEM)
      fail_msg("allocation %d: %s: %s", (int)n, rem_status_name(status), error.message);
    if (status == REM_NOMEM)
      assert_int_equal(error.code, REM_NOMEM);
    failed += status == REM_NOMEM;
    verify(test, n, status);
    if (n % 64 == 0)
      check_whole(test);
    passed = status == REM_OK ? passed + 1 : 0;
  }
  assert_true(failed > 0);
  check_whole(test);
}

static void setup_rows(test_db *test) {
  OK(rem_config_set(test->config, "P8_MODELS_DIR", test->folder, err)); /* rows stay pending */
  test_reopen(test, REM_WRITE, NULL);
  add_schema(test, schema);
  for (int i = 0; i < 8; i++) {
    char json[160];
    snprintf(json, sizeof json, "{\"code\":\"s%d\",\"n\":%d,\"tags\":[\"x\",\"t%d\"],\"text\":\"t\",\"edges\":[\"s0\",\"zed\"]}", i, i % 3, i);
    put(test, "item", json);
  }
}

static const char *key_of(const char *stem, int64_t n) {
  static char key[32];
  snprintf(key, sizeof key, "%s%lld", stem, (long long)n);
  return key;
}

static bool there(test_db *test, const char *key) {
  json_t *row = get(test, "item", key);
  json_decref(row);
  return row != NULL;
}

/* ------------------------------------------------------------------------------------------- */

static rem_status put_row(test_db *test, int64_t n, rem_error *error) {
  char *json = malloc(BIG + 200);
  int at = sprintf(json, "{\"code\":\"%s\",\"n\":1,\"tags\":[\"x\",\"y\"],\"edges\":[\"s1\",{\"target\":\"q\",\"type\":\"t\"}],\"text\":\"",
                   key_of("p", n));
  size_t size = n % 3 ? 10 : BIG; /* a large row now and then */
  memset(json + at, 'y', size);
  strcpy(json + at + size, "\"}");
  rem_status status = rem_put(test->db, "item", json, strlen(json), NULL, error);
  free(json);
  return status;
}

static void verify_put(test_db *test, int64_t n, rem_status status) {
  assert_int_equal(there(test, key_of("p", n)), status == REM_OK);
}

static void a_put_is_whole_or_not_there(void **state) {
  setup_rows(*state);
  sweep(*state, put_row, verify_put);
}

static rem_status replace_row(test_db *test, int64_t n, rem_error *error) {
  char json[200];
  snprintf(json, sizeof json, "{\"code\":\"s1\",\"n\":%lld,\"tags\":[\"u%lld\"],\"edges\":[\"more\"]}", 1000 + (long long)n, (long long)n);
  return rem_put(test->db, "item", json, strlen(json), NULL, error);
}

static void verify_replaced(test_db *test, int64_t n, rem_status status) {
  char where[64];
  snprintf(where, sizeof where, "{\"n\":%lld}", 1000 + (long long)n);
  assert_int_equal(count_list(test, "item", where), status == REM_OK);
}

static void a_row_is_replaced_whole_or_kept(void **state) {
  setup_rows(*state);
  sweep(*state, replace_row, verify_replaced);
}

static rem_status update_row(test_db *test, int64_t n, rem_error *error) {
  char json[100];
  snprintf(json, sizeof json, "{\"n\":%lld,\"text\":null}", 1000 + (long long)n);
  return rem_update(test->db, "item", "s2", 2, json, strlen(json), NULL, error);
}

static void a_row_is_updated_whole_or_kept(void **state) {
  setup_rows(*state);
  sweep(*state, update_row, verify_replaced);
}

static rem_status delete_row(test_db *test, int64_t n, rem_error *error) {
  (void)n;
  return rem_delete(test->db, "item", "s3", 2, NULL, error);
}

static void verify_deleted(test_db *test, int64_t n, rem_status status) {
  (void)n;
  assert_int_equal(there(test, "s3"), status != REM_OK);
  if (status == REM_OK)
    put(test, "item", "{\"code\":\"s3\",\"n\":1,\"text\":\"t\"}");
}

static void a_row_is_deleted_or_kept(void **state) {
  setup_rows(*state);
  sweep(*state, delete_row, verify_deleted);
}

static rem_status commit_batch(test_db *test, int64_t n, rem_error *error) {
  rem_batch *batch;
  char one[100], two[160];
  snprintf(one, sizeof one, "{\"code\":\"%s\",\"n\":1}", key_of("b", n));
  snprintf(two, sizeof two, "{\"id\":\"00000000-0000-0000-0000-%012lld\",\"code\":\"%s\"}", (long long)n, key_of("c", n));
  rem_status status = rem_batch_new(test->db, &batch, error);
  if (status < 0)
    return status;
  status = rem_batch_put(batch, "item", one, strlen(one), error);
  if (status >= 0)
    status = rem_batch_put(batch, "item", two, strlen(two), error);
  if (status >= 0)
    status = rem_batch_update(batch, "item", key_of("c", n), strlen(key_of("c", n)), "{\"n\":7}", 7, error);
  if (status >= 0)
    status = rem_batch_delete(batch, "item", key_of("b", n - 1), strlen(key_of("b", n - 1)), error);
  if (status >= 0)
    status = rem_batch_commit(batch, NULL, NULL, error);
  rem_batch_free(batch);
  return status;
}

static void verify_batch(test_db *test, int64_t n, rem_status status) {
  assert_int_equal(there(test, key_of("b", n)), status == REM_OK);
  assert_int_equal(there(test, key_of("c", n)), status == REM_OK);
}

static void a_batch_is_all_or_nothing(void **state) {
  setup_rows(*state);
  sweep(*state, commit_batch, verify_batch);
}

/* ------------------------------------------------------------------------------------------- */

/* Reads a cursor to its end and frees it; how many rows there were. */
static rem_status read_all(rem_db *db, rem_cursor *cursor, int64_t *ret_count, rem_error *error) {
  rem_row *row = NULL;
  rem_bytes json = {0};
  rem_status status = rem_row_new(db, &row, error);
  *ret_count = 0;
  while (status >= 0 && (status = rem_cursor_next(cursor, row, error)) == REM_ROW) {
    status = rem_row_json(row, 0, &json, error);
    rem_bytes_free(&json);
    ++*ret_count;
  }
  rem_row_free(row);
  rem_cursor_free(cursor);
  return status < 0 ? status : REM_OK;
}

static rem_status list_rows(test_db *test, int64_t n, rem_error *error) {
  rem_read_options options;
  rem_cursor *cursor;
  int64_t count;
  rem_read_options_init(&options);
  options.where_json = n % 2 ? "{\"tags\":\"x\",\"n\":1}" : "{\"text\":\"t\",\"n\":1}";
  rem_status status = rem_list(test->db, "item", &options, &cursor, error);
  if (status >= 0)
    status = read_all(test->db, cursor, &count, error);
  if (status == REM_OK)
    assert_int_equal(count, 3);
  return status;
}

static rem_status look_up(test_db *test, int64_t n, rem_error *error) {
  rem_cursor *cursor;
  int64_t count;
  rem_status status = rem_lookup(test->db, "S1", 2, n % 2 ? REM_LOOKUP_IGNORE_CASE : REM_LOOKUP_FUZZY | REM_LOOKUP_PREFIX | REM_LOOKUP_IGNORE_CASE,
                                 -1, &cursor, error);
  if (status >= 0)
    status = read_all(test->db, cursor, &count, error);
  if (status == REM_OK)
    assert_true(count >= 1);
  return status;
}

static rem_status read_edges(test_db *test, int64_t n, rem_error *error) {
  (void)n;
  rem_bytes json = {0};
  rem_status status = rem_edges(test->db, "item", "s0", 2, REM_BOTH, &json, error);
  rem_bytes_free(&json);
  return status;
}

static rem_status read_schemas(test_db *test, int64_t n, rem_error *error) {
  (void)n;
  rem_bytes json = {0};
  rem_status status = rem_schema_list(test->db, &json, error);
  rem_bytes_free(&json);
  if (status >= 0)
    status = rem_schema_show(test->db, "item", &json, error);
  rem_bytes_free(&json);
  if (status >= 0)
    status = rem_stats(test->db, &json, error);
  rem_bytes_free(&json);
  return status;
}

static void verify_nothing(test_db *test, int64_t n, rem_status status) {
  (void)test, (void)n, (void)status;
}

static void reads_say_so(void **state) {
  setup_rows(*state);
  sweep(*state, list_rows, verify_nothing);
  sweep(*state, look_up, verify_nothing);
  sweep(*state, read_edges, verify_nothing);
  sweep(*state, read_schemas, verify_nothing);
}

/* ------------------------------------------------------------------------------------------- */

/* Back and forth between two sets of indexes, so that each time one is built and one dropped. */
static int registered;

static rem_status change_schema(test_db *test, int64_t n, rem_error *error) {
  (void)n;
  json_t *json = json_loads(schema, 0, NULL);
  if (registered % 2 == 0)
    json_object_set_new(json, "indexed_fields", json_pack("[s, s]", "text", "tags"));
  char *text = json_dumps(json, 0);
  rem_bytes result = {0};
  rem_status status = rem_schema_add(test->db, text, strlen(text), NULL, &result, error);
  rem_bytes_free(&result);
  free(text);
  json_decref(json);
  return status;
}

static void verify_schema(test_db *test, int64_t n, rem_status status) {
  (void)n;
  registered += status == REM_OK;
  assert_int_equal(count_list(test, "item", "{\"n\":1}"), 3);
  assert_int_equal(count_list(test, "item", "{\"text\":\"t\"}"), 8);
  check_whole(test);
}

static rem_status add_table(test_db *test, int64_t n, rem_error *error) {
  char json[200];
  rem_bytes result = {0};
  snprintf(json, sizeof json, "{\"type\":\"object\",\"short_name\":\"table_%lld\",\"properties\":{\"a\":{\"type\":\"string\"}}}", (long long)n);
  rem_status status = rem_schema_add(test->db, json, strlen(json), NULL, &result, error);
  rem_bytes_free(&result);
  return status;
}

static void verify_table(test_db *test, int64_t n, rem_status status) {
  rem_bytes json = {0};
  rem_status shown = rem_schema_show(test->db, key_of("table_", n), &json, NULL);
  /* The memory may be missing for the answer only: saying it again says "unchanged". */
  if (status == REM_OK || shown != REM_NOT_FOUND)
    assert_int_equal(shown, REM_OK);
  rem_bytes_free(&json);
}

static void a_schema_is_registered_or_not(void **state) {
  setup_rows(*state);
  registered = 0;
  sweep(*state, add_table, verify_table);
  sweep(*state, change_schema, verify_schema);
}

/* A tenant's first write makes its built-in tables. */
static rem_status first_write(test_db *test, int64_t n, rem_error *error) {
  rem_db *tenant;
  const char *file = "{\"uri\":\"u\",\"name\":\"n\",\"file_type\":\"text\",\"size_bytes\":1}";
  rem_status status = rem_db_tenant(test->db, key_of("tenant", n), &tenant, error);
  if (status < 0)
    return status;
  status = rem_put(tenant, "files", file, strlen(file), NULL, error);
  rem_status closed = rem_close(tenant, NULL);
  return status < 0 ? status : closed;
}

static void a_tenant_begins_or_not(void **state) {
  setup_rows(*state);
  sweep(*state, first_write, verify_nothing);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(a_put_is_whole_or_not_there),
      T(a_row_is_replaced_whole_or_kept),
      T(a_row_is_updated_whole_or_kept),
      T(a_row_is_deleted_or_kept),
      T(a_batch_is_all_or_nothing),
      T(reads_say_so),
      T(a_schema_is_registered_or_not),
      T(a_tenant_begins_or_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
