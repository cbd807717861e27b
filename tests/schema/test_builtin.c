/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in schemas: names, what they say, and that the rows of the specification pass them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/builtin.h"
#include "schema/validator.h"

static json_t *schema_of(const char *name) {
  const rem_builtin *builtin = rem_builtin_find(name);
  json_t *json = NULL;
  rem_error err = {0};
  assert_non_null(builtin);
  assert_int_equal(strlen(builtin->schema), builtin->schema_size);
  assert_int_equal(rem_json_parse_object(builtin->schema, builtin->schema_size, &json, &err), REM_OK);
  return json;
}

static void the_four_tables_have_their_names_and_aliases(void **state) {
  (void)state;
  static const char *const names[][2] = {{"schema", "schema"}, {"resources", "resource"}, {"files", "file"}, {"moments", "moment"}};
  assert_int_equal(rem_builtin_count(), 4);
  assert_null(rem_builtin_at(4));
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(rem_builtin_at(i)->table, names[i][0]);
    assert_string_equal(rem_builtin_at(i)->type, names[i][1]);
    assert_string_equal(rem_builtin_canonical(names[i][0]), names[i][0]);
    assert_string_equal(rem_builtin_canonical(names[i][1]), names[i][0]);
    assert_ptr_equal(rem_builtin_find(names[i][1]), rem_builtin_at(i));
  }
  assert_string_equal(rem_builtin_canonical("schemas"), "schema");
  assert_string_equal(rem_builtin_canonical("Resource"), "resources");
  assert_null(rem_builtin_canonical("person"));
  assert_null(rem_builtin_canonical("resourc"));
  assert_null(rem_builtin_canonical(""));
}

static void schemas_say_what_the_specification_says(void **state) {
  (void)state;
  static const struct {
    const char *table, *title, *extra;
  } cases[] = {
      {"schema", "Schema",
       "{\"fully_qualified_name\":\"rem.system.Schema\",\"short_name\":\"schema\",\"version\":\"1.0.0\",\"category\":\"system\","
       "\"indexed_fields\":[\"name\",\"category\"],\"embedding_provider\":\"default\",\"key_field\":\"name\","
       "\"required\":[\"name\"],\"additionalProperties\":true}"},
      {"resources", "Resource",
       "{\"fully_qualified_name\":\"rem.system.Resource\",\"short_name\":\"resource\",\"indexed_fields\":[\"category\",\"name\"],"
       "\"embedding_fields\":[\"content\"],\"embedding_provider\":\"default\",\"key_fields\":[\"uri\",\"ordinal\"],"
       "\"required\":[\"name\",\"content\",\"uri\"]}"},
      {"files", "File",
       "{\"short_name\":\"file\",\"indexed_fields\":[\"uri\",\"file_type\",\"status\"],\"key_field\":\"uri\","
       "\"required\":[\"uri\",\"name\",\"file_type\",\"size_bytes\"]}"},
      {"moments", "Moment",
       "{\"short_name\":\"moment\",\"indexed_fields\":[\"moment_type\",\"start_time\",\"end_time\"],"
       "\"embedding_fields\":[\"description\"],\"key_fields\":[\"name\",\"start_time\"],"
       "\"required\":[\"name\",\"moment_type\",\"start_time\"]}"},
  };
  for (size_t i = 0; i < 4; i++) {
    json_t *schema = schema_of(cases[i].table), *extra = json_loads(cases[i].extra, 0, NULL), *value;
    const char *key;
    assert_string_equal(json_string_value(json_object_get(schema, "title")), cases[i].title);
    assert_true(json_string_length(json_object_get(schema, "description")) > 20);
    json_object_foreach(extra, key, value) {
      if (!rem_json_equal(json_object_get(schema, key), value)) fail_msg("%s: %s", cases[i].table, key);
    }
    json_decref(schema);
    json_decref(extra);
  }
  json_t *moment = schema_of("moment");
  const json_t *start = json_object_get(json_object_get(moment, "properties"), "start_time");
  assert_string_equal(json_string_value(json_object_get(start, "format")), "date-time");
  json_decref(moment);
  json_t *schema = schema_of("schema");
  const json_t *tool = json_object_get(json_object_get(schema, "$defs"), "MCPTool");
  assert_true(json_is_false(json_object_get(tool, "additionalProperties")));
  assert_non_null(json_object_get(json_object_get(schema, "properties"), "$defs"));
  json_decref(schema);
}

static void expect_row(const char *table, const char *row_text, const char *message) {
  json_t *schema = schema_of(table), *row = json_loads(row_text, 0, NULL);
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_non_null(row);
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_apply_defaults(validator, row, &err), REM_OK);
  rem_status status = rem_validator_check(validator, row, &err);
  assert_int_equal(status, message == NULL ? REM_OK : REM_INVALID);
  if (message != NULL) assert_string_equal(err.message, message);
  rem_validator_free(validator);
  json_decref(schema);
  json_decref(row);
}

static void rows_of_the_specification_pass(void **state) {
  (void)state;
  expect_row("resources", "{\"uri\":\"file:///docs/guide.md\",\"ordinal\":1,\"name\":\"guide.md - Chunk 1\",\"content\":\"Intro\"}", NULL);
  expect_row("resources", "{\"uri\":\"file:///doc.txt\",\"name\":\"Doc\",\"content\":\"First\",\"status\":\"kept\"}", NULL);
  expect_row("resources", "{\"uri\":\"file:///doc.txt\",\"name\":\"Doc\"}",
             "at '/content': expected string, found nothing (the field is required)");
  expect_row("files", "{\"uri\":\"file:///docs/guide.md\",\"name\":\"guide.md\",\"file_type\":\"markdown\",\"size_bytes\":10240,"
                      "\"status\":\"completed\",\"chunk_count\":5}", NULL);
  expect_row("files", "{\"uri\":\"u\",\"name\":\"n\",\"file_type\":\"t\",\"size_bytes\":\"big\"}",
             "at '/size_bytes': expected integer, found string 'big'");
  expect_row("moments", "{\"name\":\"Sprint 42\",\"moment_type\":\"period\",\"start_time\":\"2025-10-01T00:00:00\","
                        "\"end_time\":\"2025-10-14T00:00:00Z\",\"classifications\":[\"sprint\",\"development\"],"
                        "\"resource_refs\":[\"550e8400-e29b-41d4-a716-446655440000\"]}", NULL);
  expect_row("moments", "{\"name\":\"x\",\"moment_type\":\"event\",\"start_time\":\"yesterday\"}",
             "at '/start_time': expected a date and time such as 2025-10-01T09:00:00Z, found string 'yesterday'");
  expect_row("schema", "{\"name\":\"person\",\"properties\":{\"a\":{\"type\":\"string\"}},\"indexed_fields\":[\"a\"],"
                       "\"key_field\":\"a\",\"tools\":[{\"name\":\"t\",\"description\":\"d\"}]}", NULL);
  expect_row("schema", "{\"name\":\"person\",\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"x\":1}]}",
             "at '/tools/0/x': expected no such field, found integer 1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_four_tables_have_their_names_and_aliases),
      cmocka_unit_test(schemas_say_what_the_specification_says),
      cmocka_unit_test(rows_of_the_specification_pass),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
