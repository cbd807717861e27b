/* SPDX-License-Identifier: Apache-2.0 */
/* Batches whose changes concern the same rows, and ids given in documents. */
#include "api_test.h"

static const char item[] = "{\"type\":\"object\",\"short_name\":\"item\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"},"
                           "\"n\":{\"type\":\"integer\"}},\"required\":[\"code\"]}";
static const char other[] = "{\"type\":\"object\",\"short_name\":\"other\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"}}}";

#define ID "00000000-0000-0000-0000-000000000001"

typedef struct one_batch {
  test_db *test;
  rem_batch *batch;
} one_batch;

static one_batch begin(void **state) {
  one_batch b = {.test = *state};
  add_schema(b.test, item);
  OK(rem_batch_new(b.test->db, &b.batch, err));
  return b;
}

static void add_put(one_batch *b, const char *json) {
  OK(rem_batch_put(b->batch, "item", json, strlen(json), err));
}

static rem_status add_update(one_batch *b, const char *key, const char *json) {
  rem_error error = {0};
  rem_status status = rem_batch_update(b->batch, "item", key, strlen(key), json, strlen(json), &error);
  if (status != REM_OK)
    assert_int_equal(error.code, status);
  return status;
}

static void commit(one_batch *b) {
  OK(rem_batch_commit(b->batch, NULL, NULL, err));
  rem_batch_free(b->batch);
  check_whole(b->test);
}

static void expect(one_batch *b, const char *key, int n, size_t edges) {
  json_t *row = get(b->test, "item", key);
  assert_non_null(row);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "properties"), "n")), n);
  assert_int_equal(json_array_size(json_object_get(row, "edges")), edges);
  json_decref(row);
}

static void an_update_of_a_row_put_before_keeps_the_stored_edges(void **state) {
  one_batch b = begin(state);
  put(b.test, "item", "{\"code\":\"a\",\"n\":1,\"edges\":[\"x\",\"y\"]}");
  add_put(&b, "{\"code\":\"a\",\"n\":2,\"edges\":[\"z\"]}");
  assert_int_equal(add_update(&b, "a", "{\"n\":3}"), REM_OK);
  commit(&b);
  expect(&b, "a", 3, 3);
}

static void an_update_finds_a_row_put_before_under_an_id_of_its_own(void **state) {
  one_batch b = begin(state);
  add_put(&b, "{\"id\":\"" ID "\",\"code\":\"a\",\"n\":1}");
  assert_int_equal(add_update(&b, "a", "{\"n\":2}"), REM_OK);
  assert_int_equal(add_update(&b, ID, "{\"edges\":[\"x\"]}"), REM_OK);
  commit(&b);
  expect(&b, "a", 2, 1);
}

static void an_update_by_id_finds_a_row_put_before_by_key(void **state) {
  one_batch b = begin(state);
  put(b.test, "item", "{\"id\":\"" ID "\",\"code\":\"a\",\"n\":1}");
  OK(rem_delete(b.test->db, "item", "a", 1, NULL, err));
  add_put(&b, "{\"code\":\"a\",\"n\":2}");
  assert_int_equal(add_update(&b, ID, "{\"edges\":[\"x\"]}"), REM_OK);
  commit(&b);
  expect(&b, "a", 2, 1);
  expect(&b, ID, 2, 1);
}

static void an_update_of_a_row_deleted_before_is_refused(void **state) {
  one_batch b = begin(state);
  json_t *row;
  put(b.test, "item", "{\"code\":\"a\",\"n\":1}");
  row = get(b.test, "item", "a");
  OK(rem_batch_delete(b.batch, "item", "a", 1, err));
  assert_int_equal(add_update(&b, "a", "{\"n\":2}"), REM_NOT_FOUND);
  assert_int_equal(add_update(&b, json_string_value(json_object_get(row, "id")), "{\"n\":2}"), REM_NOT_FOUND);
  commit(&b);
  assert_null(get(b.test, "item", "a"));
  json_decref(row);
}

static void an_id_names_one_row_in_all_tables(void **state) {
  one_batch b = begin(state);
  rem_error error = {0};
  int64_t failed = -1;
  const char *clash = "{\"id\":\"" ID "\",\"code\":\"b\"}";
  add_schema(b.test, other);
  put(b.test, "item", "{\"id\":\"" ID "\",\"code\":\"a\",\"edges\":[\"x\"]}");
  assert_int_equal(rem_put(b.test->db, "other", clash, strlen(clash), NULL, &error), REM_CONFLICT);
  assert_non_null(strstr(error.message, "'item'"));
  const char *second = "{\"id\":\"00000000-0000-0000-0000-000000000002\",\"code\":\"c\"}";
  add_put(&b, second);
  OK(rem_batch_put(b.batch, "other", second, strlen(second), err));
  assert_int_equal(rem_batch_commit(b.batch, NULL, &failed, &error), REM_CONFLICT);
  assert_int_equal(failed, 1);
  rem_batch_free(b.batch);
  assert_int_equal(count_lookup(b.test, ID, 0), 1);
  /* Another tenant is another world. */
  rem_db *tenant;
  rem_bytes result = {0};
  OK(rem_db_tenant(b.test->db, "acme", &tenant, err));
  OK(rem_schema_add(tenant, other, strlen(other), NULL, &result, err));
  rem_bytes_free(&result);
  OK(rem_put(tenant, "other", clash, strlen(clash), NULL, err));
  OK(rem_close(tenant, err));
  check_whole(b.test);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(an_update_of_a_row_put_before_keeps_the_stored_edges),
      T(an_update_finds_a_row_put_before_under_an_id_of_its_own),
      T(an_update_by_id_finds_a_row_put_before_by_key),
      T(an_update_of_a_row_deleted_before_is_refused),
      T(an_id_names_one_row_in_all_tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
