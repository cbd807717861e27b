/* SPDX-License-Identifier: Apache-2.0 */
/* Rows through the public functions: keys and ids, upsert, deletes, edges, indexes, tenants. */
#include "api_test.h"

static const char person[] =
    "{\"title\":\"Person\",\"type\":\"object\",\"description\":\"A person.\",\"short_name\":\"person\",\"version\":\"1.0.0\","
    "\"category\":\"user\",\"indexed_fields\":[\"role\",\"team\",\"age\",\"tags\"],\"key_field\":\"email\","
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},"
    "\"team\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null},\"age\":{\"type\":\"integer\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},\"required\":[\"name\",\"email\",\"role\"]}";

static void id_text(const uint8_t id[16], char text[37]) {
  for (int i = 0, at = 0; i < 16; i++)
    at += sprintf(text + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

static void ids_are_those_of_the_decisions(void **state) {
  test_db *test = *state;
  char text[37];
  add_schema(test, person);
  rem_write_result alice =
      put(test, "person", "{\"name\":\"Alice\",\"email\":\"alice@example.com\",\"role\":\"engineer\"}");
  id_text(alice.id, text);
  assert_string_equal(text, "2b8afd88-062a-960f-575f-889fe1f87678");
  assert_int_equal(alice.outcome, REM_INSERTED);
  rem_write_result chunk =
      put(test, "resources", "{\"uri\":\"file:///docs/guide.md\",\"ordinal\":1,\"name\":\"g\",\"content\":\"x\"}");
  id_text(chunk.id, text);
  assert_string_equal(text, "1c4b784b-78ea-d319-0de3-d4222b57ac8b");
  rem_write_result sprint = put(test, "moment",
                                "{\"name\":\"Sprint 42\",\"moment_type\":\"period\",\"start_time\":\"2025-10-01T00:00:00Z\"}");
  id_text(sprint.id, text);
  assert_string_equal(text, "bf7af608-797b-4b92-d4f8-767ef480f836");
  check_whole(test);
}

static void a_stored_entity_has_the_documented_shape(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  put(test, "person", "{\"name\":\"Bo\",\"email\":\"bo@x\",\"role\":\"r\",\"edges\":[\"alice@example.com\"],\"age\":7}");
  json_t *bo = get(test, "person", "bo@x");
  const char *wanted[] = {"id", "type", "created_at", "modified_at", "deleted_at", "edges", "properties"};
  size_t i = 0;
  const char *name;
  json_t *value;
  json_object_foreach(bo, name, value) {
    assert_true(i < 7);
    assert_string_equal(name, wanted[i++]);
  }
  assert_int_equal(i, 7);
  assert_string_equal(json_string_value(json_object_get(bo, "type")), "person");
  assert_true(json_is_null(json_object_get(bo, "deleted_at")));
  json_t *properties = json_object_get(bo, "properties");
  assert_null(json_object_get(properties, "edges"));
  assert_int_equal(json_integer_value(json_object_get(properties, "age")), 7);
  assert_true(json_is_null(json_object_get(properties, "team")));
  json_decref(bo);
}

static void the_same_key_replaces_and_an_unchanged_row_is_not_written(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  const char *first = "{\"name\":\"C\",\"email\":\"c@x\",\"role\":\"a\",\"age\":1}";
  rem_write_result inserted = put(test, "person", first);
  rem_write_result again = put(test, "person", first);
  assert_int_equal(again.outcome, REM_UNCHANGED);
  assert_int_equal(again.seq, 0);
  rem_write_result updated = put(test, "person", "{\"name\":\"C\",\"email\":\"c@x\",\"role\":\"b\"}");
  assert_int_equal(updated.outcome, REM_UPDATED);
  assert_int_equal(updated.seq, inserted.seq + 1);
  json_t *row = get(test, "person", "c@x");
  assert_null(json_object_get(json_object_get(row, "properties"), "age"));
  assert_true(strcmp(json_string_value(json_object_get(row, "created_at")),
                     json_string_value(json_object_get(row, "modified_at"))) < 0);
  json_decref(row);
  assert_int_equal(count_list(test, "person", "{\"role\":\"a\"}"), 0);
  assert_int_equal(count_list(test, "person", "{\"role\":\"b\"}"), 1);
  check_whole(test);
}

static void deleted_rows_are_hidden_and_come_back(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  const char *row = "{\"name\":\"D\",\"email\":\"d@x\",\"role\":\"a\"}";
  put(test, "person", row);
  OK(rem_delete(test->db, "person", "d@x", 3, NULL, err));
  assert_null(get(test, "person", "d@x"));
  assert_int_equal(count_list(test, "person", NULL), 0);
  assert_int_equal(count_lookup(test, "d@x", 0), 0);
  assert_int_equal(count_lookup(test, "d@x", REM_LOOKUP_DELETED), 1);
  assert_int_equal(rem_delete(test->db, "person", "d@x", 3, NULL, NULL), REM_NOT_FOUND);
  check_whole(test);
  assert_int_equal(put(test, "person", row).outcome, REM_INSERTED);
  assert_int_equal(count_list(test, "person", "{\"role\":\"a\"}"), 1);
  check_whole(test);
}

static void vacuum_removes_deleted_rows_for_good(void **state) {
  test_db *test = *state;
  rem_job *job;
  add_schema(test, person);
  for (int i = 0; i < 30; i++) {
    char json[128], key[32];
    snprintf(key, sizeof key, "p%d@x", i);
    snprintf(json, sizeof json, "{\"name\":\"P\",\"email\":\"%s\",\"role\":\"r%d\",\"edges\":[\"p0@x\"]}", key, i % 3);
    put(test, "person", json);
    if (i % 2)
      OK(rem_delete(test->db, "person", key, strlen(key), NULL, err));
  }
  OK(rem_vacuum(test->db, &job, err));
  json_t *result = run_job(job);
  assert_int_equal(json_integer_value(json_object_get(result, "removed")), 15);
  assert_int_equal(json_integer_value(json_object_get(result, "log_entries_blanked")), 30);
  json_decref(result);
  assert_int_equal(count_lookup(test, "p1@x", REM_LOOKUP_DELETED), 0);
  assert_int_equal(count_list(test, "person", NULL), 15);
  check_whole(test);
}

static void edges_are_found_from_both_ends(void **state) {
  test_db *test = *state;
  rem_bytes json = {0};
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\",\"edges\":[\"b@x\",{\"target\":\"zed\",\"type\":\"knows\",\"weight\":0.5}]}");
  put(test, "person", "{\"name\":\"B\",\"email\":\"b@x\",\"role\":\"r\"}");
  OK(rem_edges(test->db, "person", "a@x", 3, REM_OUT, &json, err));
  json_t *out = json_loadb(json.data, json.size, 0, NULL);
  assert_int_equal(json_array_size(out), 2);
  rem_bytes_free(&json);
  OK(rem_edges(test->db, "person", "b@x", 3, REM_IN, &json, err));
  json_t *in = json_loadb(json.data, json.size, 0, NULL);
  assert_int_equal(json_array_size(in), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(in, 0), "direction")), "in");
  rem_bytes_free(&json);
  json_decref(out);
  json_decref(in);
  /* A put merges edges, an update sets them. */
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\",\"edges\":[\"c@x\"]}");
  json_t *row = get(test, "person", "a@x");
  assert_int_equal(json_array_size(json_object_get(row, "edges")), 3);
  json_decref(row);
  OK(rem_update(test->db, "person", "a@x", 3, "{\"edges\":[\"c@x\"]}", 17, NULL, err));
  row = get(test, "person", "a@x");
  assert_int_equal(json_array_size(json_object_get(row, "edges")), 1);
  json_decref(row);
  check_whole(test);
}

static void list_fields_are_indexed_by_element(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\",\"tags\":[\"x\",\"y\",\"x\"]}");
  put(test, "person", "{\"name\":\"B\",\"email\":\"b@x\",\"role\":\"r\",\"tags\":[\"y\"]}");
  assert_int_equal(count_list(test, "person", "{\"tags\":\"x\"}"), 1);
  assert_int_equal(count_list(test, "person", "{\"tags\":\"y\"}"), 2);
  assert_int_equal(count_list(test, "person", "{\"tags\":\"y\",\"name\":\"B\"}"), 1);
  check_whole(test);
}

static void an_update_merges_and_keeps_the_key(void **state) {
  test_db *test = *state;
  rem_error error = {0};
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\",\"age\":3}");
  OK(rem_update(test->db, "person", "a@x", 3, "{\"age\":4,\"name\":\"Anna\"}", 23, NULL, err));
  json_t *row = get(test, "person", "a@x");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "properties"), "age")), 4);
  assert_string_equal(json_string_value(json_object_get(json_object_get(row, "properties"), "role")), "r");
  json_decref(row);
  assert_int_equal(rem_update(test->db, "person", "a@x", 3, "{\"email\":\"q@x\"}", 15, NULL, &error), REM_INVALID);
  assert_non_null(strstr(error.message, "key"));
  assert_int_equal(rem_update(test->db, "person", "none", 4, "{}", 2, NULL, NULL), REM_NOT_FOUND);
  check_whole(test);
}

static void explicit_ids_keep_keys_unique(void **state) {
  test_db *test = *state;
  rem_error error = {0};
  add_schema(test, person);
  put(test, "person", "{\"id\":\"00000000-0000-0000-0000-000000000001\",\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}");
  json_t *row = get(test, "person", "a@x");
  assert_string_equal(json_string_value(json_object_get(row, "id")), "00000000-0000-0000-0000-000000000001");
  json_decref(row);
  /* The same key without an id is the same row. */
  assert_int_equal(put(test, "person", "{\"name\":\"A2\",\"email\":\"a@x\",\"role\":\"r\"}").outcome, REM_UPDATED);
  assert_int_equal(count_list(test, "person", NULL), 1);
  const char *other = "{\"id\":\"00000000-0000-0000-0000-000000000002\",\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}";
  assert_int_equal(rem_put(test->db, "person", other, strlen(other), NULL, &error), REM_CONFLICT);
  check_whole(test);
}

static void a_batch_is_all_or_nothing_and_the_last_of_a_key_wins(void **state) {
  test_db *test = *state;
  rem_batch *batch;
  rem_batch_result result;
  rem_error error = {0};
  add_schema(test, person);
  OK(rem_batch_new(test->db, &batch, err));
  const char *one = "{\"name\":\"1\",\"email\":\"a@x\",\"role\":\"r\"}", *two = "{\"name\":\"2\",\"email\":\"a@x\",\"role\":\"r\"}";
  OK(rem_batch_put(batch, "person", one, strlen(one), err));
  OK(rem_batch_put(batch, "person", two, strlen(two), err));
  assert_int_equal(rem_batch_put(batch, "person", "{\"name\":1}", 10, &error), REM_INVALID);
  OK(rem_batch_commit(batch, &result, NULL, err));
  assert_int_equal(result.inserted, 1);
  assert_int_equal(result.updated, 1);
  json_t *row = get(test, "person", "a@x");
  assert_string_equal(json_string_value(json_object_get(json_object_get(row, "properties"), "name")), "2");
  json_decref(row);
  const char *clash = "{\"id\":\"00000000-0000-0000-0000-000000000009\",\"name\":\"x\",\"email\":\"a@x\",\"role\":\"r\"}";
  const char *fine = "{\"name\":\"x\",\"email\":\"new@x\",\"role\":\"r\"}";
  int64_t failed = -1;
  OK(rem_batch_put(batch, "person", fine, strlen(fine), err));
  OK(rem_batch_put(batch, "person", clash, strlen(clash), err));
  assert_int_equal(rem_batch_commit(batch, NULL, &failed, &error), REM_CONFLICT);
  assert_int_equal(failed, 1);
  assert_null(get(test, "person", "new@x"));
  rem_batch_free(batch);
  check_whole(test);
}

static void tenants_see_nothing_of_each_other(void **state) {
  test_db *test = *state;
  rem_db *other;
  rem_error error = {0};
  rem_row *row;
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}");
  OK(rem_db_tenant(test->db, "acme", &other, err));
  OK(rem_row_new(other, &row, err));
  assert_int_equal(rem_get(other, "person", "a@x", 3, false, row, &error), REM_UNKNOWN);
  rem_row_free(row);
  rem_cursor *cursor;
  OK(rem_lookup(other, "a@x", 3, 0, -1, &cursor, err));
  assert_int_equal(count_cursor(other, cursor), 0);
  const char *file = "{\"uri\":\"u\",\"name\":\"n\",\"file_type\":\"text\",\"size_bytes\":1}";
  OK(rem_put(other, "files", file, strlen(file), NULL, err));
  OK(rem_close(other, err));
  assert_int_equal(count_list(test, "files", NULL), 0);
  check_whole(test);
}

static void large_rows_live_apart_and_shrink_again(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  size_t size = 300000;
  char *json = malloc(size + 200);
  int at = sprintf(json, "{\"email\":\"big@x\",\"role\":\"r\",\"name\":\"");
  memset(json + at, 'y', size);
  strcpy(json + at + size, "\"}");
  put(test, "person", json);
  json_t *row = get(test, "person", "big@x");
  assert_int_equal(json_string_length(json_object_get(json_object_get(row, "properties"), "name")), size);
  json_decref(row);
  check_whole(test);
  put(test, "person", "{\"email\":\"big@x\",\"role\":\"r\",\"name\":\"small\"}");
  check_whole(test);
  free(json);
}

static void a_new_index_is_built_over_stored_rows(void **state) {
  test_db *test = *state;
  rem_bytes result = {0};
  rem_error error = {0};
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}");
  json_t *schema = json_loads(person, 0, NULL);
  json_array_append_new(json_object_get(schema, "indexed_fields"), json_string("name"));
  char *text = json_dumps(schema, 0);
  OK(rem_schema_add(test->db, text, strlen(text), NULL, &result, err));
  assert_non_null(strstr(result.data, "updated"));
  rem_bytes_free(&result);
  assert_int_equal(count_list(test, "person", "{\"name\":\"A\"}"), 1);
  check_whole(test);
  OK(rem_schema_add(test->db, person, strlen(person), NULL, &result, err));
  rem_bytes_free(&result);
  check_whole(test);
  free(text);
  json_object_set_new(json_object_get(json_object_get(schema, "properties"), "age"), "type", json_string("string"));
  text = json_dumps(schema, 0);
  assert_int_equal(rem_schema_add(test->db, text, strlen(text), NULL, &result, &error), REM_CONFLICT);
  assert_non_null(strstr(error.message, "age"));
  free(text);
  json_decref(schema);
}

static void a_schema_is_removed_with_its_rows(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}");
  assert_int_equal(rem_schema_remove(test->db, "person", false, NULL), REM_CONFLICT);
  OK(rem_schema_remove(test->db, "person", true, err));
  assert_int_equal(rem_schema_remove(test->db, "person", true, NULL), REM_NOT_FOUND);
  assert_int_equal(count_lookup(test, "a@x", REM_LOOKUP_DELETED), 0);
  check_whole(test);
}

static void a_reader_sees_what_was_committed(void **state) {
  test_db *test = *state;
  add_schema(test, person);
  put(test, "person", "{\"name\":\"A\",\"email\":\"a@x\",\"role\":\"r\"}");
  test_db reader = *test;
  reader.db = NULL;
  test_reopen(&reader, REM_READ, NULL);
  json_t *row = get(&reader, "person", "a@x");
  assert_non_null(row);
  json_decref(row);
  put(test, "person", "{\"name\":\"B\",\"email\":\"b@x\",\"role\":\"r\"}");
  OK(rem_refresh(reader.db, err));
  row = get(&reader, "person", "b@x");
  assert_non_null(row);
  json_decref(row);
  assert_int_equal(rem_put(reader.db, "person", "{}", 2, NULL, NULL), REM_READONLY);
  check_whole(&reader);
  OK(rem_close(reader.db, err));
}

static void reindex_restores_what_follows_from_rows(void **state) {
  test_db *test = *state;
  rem_job *job;
  add_schema(test, person);
  for (int i = 0; i < 20; i++) {
    char json[128];
    snprintf(json, sizeof json, "{\"name\":\"P\",\"email\":\"p%d@x\",\"role\":\"r\",\"tags\":[\"t\"]}", i);
    put(test, "person", json);
  }
  OK(rem_reindex(test->db, NULL, &job, err));
  json_t *result = run_job(job);
  assert_true(json_integer_value(json_object_get(result, "rows")) >= 20);
  assert_int_equal(json_integer_value(json_object_get(result, "dropped")), 0);
  json_decref(result);
  check_whole(test);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, test_setup, test_teardown)
  const struct CMUnitTest tests[] = {
      T(ids_are_those_of_the_decisions),
      T(a_stored_entity_has_the_documented_shape),
      T(the_same_key_replaces_and_an_unchanged_row_is_not_written),
      T(deleted_rows_are_hidden_and_come_back),
      T(vacuum_removes_deleted_rows_for_good),
      T(edges_are_found_from_both_ends),
      T(list_fields_are_indexed_by_element),
      T(an_update_merges_and_keeps_the_key),
      T(explicit_ids_keep_keys_unique),
      T(a_batch_is_all_or_nothing_and_the_last_of_a_key_wins),
      T(tenants_see_nothing_of_each_other),
      T(large_rows_live_apart_and_shrink_again),
      T(a_new_index_is_built_over_stored_rows),
      T(a_schema_is_removed_with_its_rows),
      T(a_reader_sees_what_was_committed),
      T(reindex_restores_what_follows_from_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
