/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compatibility of schemas: what may change, what may not, and how differences are told. A property test holds the verdict
 * against the validator: the new schema must admit what the one it may replace admits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "schema/builtin.h"
#include "schema/compat.h"
#include "schema/validator.h"

static json_t *parse(const char *text) {
  json_t *json = NULL;
  rem_error err = {0};
  if (rem_json_parse(text, strlen(text), &json, &err) != REM_OK) fail_msg("%s in %s", err.message, text);
  return json;
}

static bool mentions(const rem_schema_report *report, bool compatible, const char *text) {
  for (size_t i = 0; i < report->count; i++) {
    if (report->changes[i].compatible == compatible && strstr(report->changes[i].text, text) != NULL) return true;
  }
  return false;
}

static void expect(const char *old_text, const char *new_text, bool compatible, const char *change) {
  json_t *old_schema = parse(old_text), *new_schema = parse(new_text);
  rem_schema_report report = {0};
  rem_error err = {0};
  assert_int_equal(rem_schema_compare(old_schema, new_schema, &report, &err), REM_OK);
  bool good = rem_schema_report_compatible(&report) == compatible &&
              (change == NULL ? report.count == 0 : mentions(&report, compatible, change));
  if (!good) {
    for (size_t i = 0; i < report.count; i++)
      print_error("%s: %s\n", report.changes[i].compatible ? "compatible" : "INCOMPATIBLE", report.changes[i].text);
    fail_msg("%s -> %s: expected %scompatible, '%s'", old_text, new_text, compatible ? "" : "in", change);
  }
  rem_schema_report_deinit(&report);
  json_decref(old_schema);
  json_decref(new_schema);
}

/* One field `a`, described by `text`. */
static void expect_field(const char *old_text, const char *new_text, bool compatible, const char *change) {
  char was[1024], is[1024];
  const char *form = "{\"$defs\":{\"A\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},"
                     "\"B\":{\"type\":\"string\"}},\"properties\":{\"a\":%s}}";
  snprintf(was, sizeof was, form, old_text);
  snprintf(is, sizeof is, form, new_text);
  expect(was, is, compatible, change);
}

static void equal_schemas_have_no_difference(void **state) {
  (void)state;
  expect("{\"type\":\"object\",\"title\":\"P\"}", "{\"title\":\"P\",\"type\":\"object\"}", true, NULL);
  expect_field("{\"$ref\":\"#/$defs/A\"}", "{\"$ref\":\"#/$defs/A\"}", true, NULL);
  for (size_t i = 0; i < rem_builtin_count(); i++)
    expect(rem_builtin_at(i)->schema, rem_builtin_at(i)->schema, true, NULL);
}

static void fields_may_be_added_and_not_removed(void **state) {
  (void)state;
  expect("{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"b\":{\"type\":\"string\"}}}", true, "field 'b': added");
  expect("{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{},\"b\":{\"type\":\"string\"}},\"required\":[\"b\"]}", false,
         "field 'b': added, required and without a default (at '/properties/b')");
  expect("{\"properties\":{\"a\":{}}}",
         "{\"properties\":{\"a\":{},\"b\":{\"type\":\"string\",\"default\":\"x\"}},\"required\":[\"b\"]}", true,
         "field 'b': added");
  expect("{\"properties\":{\"a\":{},\"b\":{}}}", "{\"properties\":{\"a\":{}}}", false,
         "field 'b': removed (at '/properties/b')");
  expect("{\"properties\":{\"a\":{}}}", "{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", false, "field 'a': required now");
  expect("{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", "{\"properties\":{\"a\":{}}}", true, "no longer required");
  expect("{}", "{\"additionalProperties\":false}", false, "further fields are no longer allowed");
  expect("{\"additionalProperties\":true}", "{\"additionalProperties\":false}", false, "at '/additionalProperties'");
  expect("{\"additionalProperties\":false}", "{}", true, "further fields are allowed now");
  expect("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"additionalProperties\":{\"type\":\"string\"}}", false,
         "type changed from integer to string");
}

static void types_may_be_widened(void **state) {
  (void)state;
  expect_field("{\"type\":\"integer\"}", "{\"type\":\"number\"}", true, "field 'a': type changed from integer to number");
  expect_field("{\"type\":\"integer\"}", "{\"type\":[\"integer\",\"null\"]}", true, "field 'a': now also accepts null");
  expect_field("{\"type\":\"integer\"}", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", true,
               "now also accepts null");
  expect_field("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}",
               "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"},{\"type\":\"null\"}]}", true,
               "now also accepts string");
  expect_field("{\"type\":\"integer\"}", "{}", true, "type changed from integer to any value");
  expect_field("{\"$ref\":\"#/$defs/B\"}", "{\"type\":\"string\",\"title\":\"A\"}", true, "details");
  expect_field("{\"type\":\"string\"}", "{\"anyOf\":[{\"$ref\":\"#/$defs/B\"},{\"$ref\":\"#/$defs/A\"}]}", true,
               "now also accepts A");
  expect_field("{\"type\":\"integer\"}", "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", true, "null");
}

static void types_may_not_be_narrowed_or_changed(void **state) {
  (void)state;
  expect_field("{\"type\":\"integer\"}", "{\"type\":\"string\"}", false,
               "field 'a': type changed from integer to string (at '/properties/a/type')");
  expect_field("{\"type\":\"number\"}", "{\"type\":\"integer\"}", false, "type changed from number to integer");
  expect_field("{}", "{\"type\":\"string\"}", false, "type changed from any value to string");
  expect_field("{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", "{\"type\":\"integer\"}", false,
               "null is no longer accepted, only integer");
  expect_field("{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\"}", false, "null is no longer accepted");
  expect_field("{\"type\":\"string\",\"format\":\"date-time\"}", "{\"type\":\"string\"}", false,
               "format changed from date-time to none");
  expect_field("{\"type\":\"string\"}", "{\"type\":\"string\",\"format\":\"uuid\"}", false, "format changed from none to uuid");
  expect_field("{\"type\":\"string\",\"format\":\"email\"}", "{\"type\":\"string\"}", true, "format changed");
  expect_field("{\"type\":\"integer\"}", "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", false, "oneOf");
  expect_field("{\"type\":\"integer\"}", "false", false, "no value is accepted any more");
}

static void enums_and_bounds_may_be_relaxed_only(void **state) {
  (void)state;
  expect_field("{\"enum\":[\"a\"]}", "{\"enum\":[\"b\",\"a\"]}", true, "more values are allowed");
  expect_field("{\"const\":\"a\"}", "{\"enum\":[\"b\",\"a\"]}", true, "more values are allowed");
  expect_field("{\"enum\":[\"a\",\"b\"]}", "{\"enum\":[\"a\"]}", false, "the value \"b\" is no longer allowed");
  expect_field("{\"type\":\"string\"}", "{\"type\":\"string\",\"enum\":[\"a\"]}", false, "values are now limited to a list");
  expect_field("{\"enum\":[\"a\"]}", "{\"type\":\"string\"}", true, "no longer limited");
  expect_field("{\"minimum\":5}", "{\"minimum\":4.5}", true, "the minimum is relaxed");
  expect_field("{\"minimum\":5}", "{\"exclusiveMinimum\":5}", false, "the minimum is stricter (at '/properties/a/exclusiveMinimum')");
  expect_field("{\"exclusiveMinimum\":5}", "{\"minimum\":5}", true, "relaxed");
  expect_field("{\"maximum\":5}", "{\"maximum\":4}", false, "the maximum is stricter");
  expect_field("{}", "{\"maximum\":4}", false, "the maximum is stricter");
  expect_field("{\"maximum\":5}", "{}", true, "the maximum is relaxed");
  expect_field("{\"multipleOf\":4}", "{\"multipleOf\":2}", true, "multipleOf is relaxed");
  expect_field("{\"multipleOf\":2}", "{\"multipleOf\":4}", false, "multipleOf is stricter");
  expect_field("{\"maxLength\":5}", "{\"maxLength\":6}", true, "maxLength is relaxed");
  expect_field("{\"maxLength\":5}", "{\"maxLength\":4}", false, "maxLength is stricter");
  expect_field("{}", "{\"minItems\":1}", false, "minItems is stricter");
  expect_field("{}", "{\"minItems\":0}", true, "details");
  expect_field("{}", "{\"pattern\":\"a\"}", false, "pattern was added");
  expect_field("{\"pattern\":\"a\"}", "{\"pattern\":\"b\"}", false, "pattern changed");
  expect_field("{\"pattern\":\"a\"}", "{}", true, "pattern was removed");
  expect_field("{}", "{\"uniqueItems\":true}", false, "items must now differ");
  expect_field("{\"uniqueItems\":true}", "{}", true, "items need no longer differ");
  expect_field("{\"not\":{\"const\":1}}", "{\"not\":{\"const\":2}}", false, "not changed");
  expect_field("{\"if\":{\"const\":1},\"then\":false}", "{}", true, "if was removed");
  expect_field("{\"contains\":{\"const\":1}}", "{\"contains\":{\"const\":1},\"minContains\":2}", false, "contains changed");
  expect_field("{\"items\":{\"type\":\"integer\"}}", "{\"items\":{\"type\":\"number\"}}", true, "integer to number");
  expect_field("{\"items\":{\"type\":\"integer\"}}", "{\"items\":{\"type\":\"string\"}}", false, "at '/properties/a/items/type'");
  expect_field("{\"enum\":[1,2]}", "{\"enum\":[1,2],\"const\":1}", false, "the value 2 is no longer allowed");
  expect_field("{\"allOf\":[{\"minimum\":2},{\"maximum\":9}]}", "{\"allOf\":[{\"minimum\":1},{\"maximum\":9}]}", true,
               "the minimum is relaxed");
  expect_field("{\"additionalProperties\":{},\"unevaluatedProperties\":false}", "{\"unevaluatedProperties\":false}", false,
               "additionalProperties changed beside unevaluatedProperties");
  expect_field("{\"prefixItems\":[{\"type\":\"integer\"}]}", "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"integer\"}]}",
               false, "any value to integer");
}

static void nested_objects_are_compared_through_references(void **state) {
  (void)state;
  const char *was = "{\"$defs\":{\"H\":{\"type\":\"object\",\"properties\":{\"zip\":{\"type\":\"string\"}}}},"
                    "\"properties\":{\"home\":{\"$ref\":\"#/$defs/H\"},"
                    "\"all\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#/$defs/H\"},{\"type\":\"null\"}]}}}}";
  const char *narrower = "{\"$defs\":{\"H\":{\"type\":\"object\",\"properties\":{\"zip\":{\"type\":\"integer\"}}}},"
                         "\"properties\":{\"home\":{\"$ref\":\"#/$defs/H\"},"
                         "\"all\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#/$defs/H\"},{\"type\":\"null\"}]}}}}";
  const char *wider = "{\"$defs\":{\"H\":{\"type\":\"object\",\"properties\":{\"zip\":{\"type\":\"string\"},"
                      "\"city\":{\"type\":\"string\"}}}},"
                      "\"properties\":{\"home\":{\"$ref\":\"#/$defs/H\"},"
                      "\"all\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#/$defs/H\"},{\"type\":\"null\"}]}}}}";
  expect(was, narrower, false, "field 'home.zip': type changed from string to integer (at '/properties/home/properties/zip/type')");
  expect(was, wider, true, "field 'home.city': added");
}

static void recursive_schemas_end(void **state) {
  (void)state;
  const char *was = "{\"$defs\":{\"N\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},"
                    "\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/N\"},{\"type\":\"null\"}]}}}},\"$ref\":\"#/$defs/N\"}";
  const char *wider = "{\"$defs\":{\"N\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"number\"},"
                      "\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/N\"},{\"type\":\"null\"}]}}}},\"$ref\":\"#/$defs/N\"}";
  expect(was, wider, true, "field 'v': type changed from integer to number");
  expect(wider, was, false, "field 'v': type changed from number to integer");
}

static void keys_and_embeddings_are_fixed_indexes_are_not(void **state) {
  (void)state;
#define TWO "\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}}"
  expect("{" TWO ",\"key_field\":\"a\"}", "{" TWO ",\"key_field\":\"b\"}", false, "the key changed from 'a' to 'b'");
  expect("{" TWO ",\"key_field\":\"a\"}", "{" TWO "}", false, "the key changed from 'a' to none");
  expect("{" TWO ",\"key_field\":\"a\"}", "{" TWO ",\"key_fields\":[\"a\"]}", true, "details");
  expect("{" TWO ",\"key_fields\":[\"a\",\"b\"]}", "{" TWO ",\"key_fields\":[\"b\",\"a\"]}", false, "the key changed");
  expect("{" TWO ",\"embedding_fields\":[\"a\"]}", "{" TWO ",\"embedding_fields\":[\"b\"]}", false,
         "the embedded fields changed from 'a' to 'b'");
  expect("{" TWO ",\"embedding_fields\":[\"a\"],\"embedding_provider\":\"default\"}",
         "{" TWO ",\"embedding_fields\":[\"a\"],\"embedding_provider\":\"text-embedding-3-small\"}", false,
         "db embed --all --model");
  expect("{" TWO ",\"embedding_provider\":\"default\"}", "{" TWO "}", true, "details");
  expect("{\"properties\":{},\"embedding_provider\":\"default\"}",
         "{\"properties\":{\"content\":{\"type\":\"string\"}},\"embedding_provider\":\"default\"}", false,
         "the embedded fields changed from none to 'content'");
  expect("{" TWO "}", "{" TWO ",\"indexed_fields\":[\"a\"]}", true, "index on 'a' was added");
  expect("{" TWO ",\"indexed_fields\":[\"a\",\"b\"]}", "{" TWO ",\"indexed_fields\":[\"b\"]}", true, "index on 'a' was removed");
  expect("{" TWO "}", "{" TWO ",\"json_schema_extra\":{\"indexed_fields\":[\"a\"]}}", true, "index on 'a' was added");
  expect("{" TWO "}", "{" TWO ",\"trigram_fields\":[\"a\"]}", true, "trigram index on 'a' was added");
  expect("{" TWO ",\"version\":\"1\"}", "{" TWO ",\"version\":\"2\"}", true, "version changed");
  expect("{" TWO "}", "{" TWO ",\"tools\":[{\"name\":\"t\",\"description\":\"d\"}]}", true, "tools changed");
  expect("{" TWO ",\"description\":\"x\"}", "{" TWO ",\"description\":\"y\"}", true, "description changed");
  expect_field("{\"description\":\"x\"}", "{\"description\":\"y\"}", true, "field 'a': description changed");
}

/* D20: a copy of the specification's class with one more field is a compatible change of the built-in table. */
static void built_in_tables_take_further_fields_from_a_copy_of_their_class(void **state) {
  (void)state;
  json_t *old_schema = parse(rem_builtin_find("resource")->schema), *new_schema = json_deep_copy(old_schema);
  json_object_del(new_schema, "key_fields");
  json_object_set_new(new_schema, "key_field", json_string("uri"));
  json_object_set_new(json_object_get(new_schema, "properties"), "status",
                      json_pack("{s:[{s:s},{s:s}],s:n}", "anyOf", "type", "string", "type", "null", "default"));
  rem_schema_report report = {0};
  rem_error err = {0};
  assert_int_equal(rem_schema_compare(old_schema, new_schema, &report, &err), REM_OK);
  assert_true(rem_schema_report_compatible(&report));
  assert_int_equal(report.count, 1);
  assert_string_equal(report.changes[0].text, "field 'status': added");
  json_t *texts = NULL;
  assert_int_equal(rem_schema_report_json(&report, &texts, &err), REM_OK);
  assert_string_equal(json_string_value(json_array_get(texts, 0)), "field 'status': added");
  json_decref(texts);
  rem_schema_report_deinit(&report);
  json_decref(old_schema);
  json_decref(new_schema);
}

/* variants.json was made by tools/validator_golden.py --variants from seed 1. Each schema against its neighbours, which differ from it by a
 * change or two: 'compatible' must hold for every instance at hand. */
static void a_compatible_schema_admits_what_the_old_one_admitted(void **state) {
  (void)state;
  rem_bytes text = {0};
  rem_error err = {0};
  json_t *cases = NULL;
  assert_int_equal(rem_file_read(REM_TEST_DATA "/schema/variants.json", (size_t)64 << 20, &text, &err), REM_OK);
  assert_int_equal(rem_json_parse(text.data, text.size, &cases, &err), REM_OK);
  rem_bytes_free(&text);
  size_t compatible = 0, judged = 0, count = json_array_size(cases);
  for (size_t i = 0; i < count; i++) {
    for (size_t step = 1; step <= 25; step++) {
      const json_t *was = json_array_get(cases, i), *is = json_array_get(cases, (i + step) % count);
      rem_schema_report report = {0};
      assert_int_equal(rem_schema_compare(json_object_get(was, "schema"), json_object_get(is, "schema"), &report, &err), REM_OK);
      bool good = rem_schema_report_compatible(&report);
      bool added = mentions(&report, true, ": added") || mentions(&report, true, "required now, with");
      rem_schema_report_deinit(&report);
      /* A field added may meet values stored beside the schema: that much is allowed. */
      if (!good || added) continue;
      rem_validator *validator = NULL, *old_validator = NULL;
      /* A random change may make a schema refer to itself without end; such a one is never registered. */
      if (rem_validator_new(json_object_get(is, "schema"), &validator, &err) != REM_OK) continue;
      if (rem_validator_new(json_object_get(was, "schema"), &old_validator, &err) != REM_OK) {
        rem_validator_free(validator);
        continue;
      }
      compatible++;
      for (size_t k = 0; k < count; k++) {
        const json_t *data = json_object_get(json_array_get(json_object_get(json_array_get(cases, k), "tests"), 0), "data");
        if (rem_validator_check(old_validator, data, NULL) != REM_OK) continue;
        judged++;
        if (rem_validator_check(validator, data, &err) != REM_OK) {
          char *a = json_dumps(json_object_get(was, "schema"), 0), *b = json_dumps(json_object_get(is, "schema"), 0),
               *d = json_dumps(data, JSON_ENCODE_ANY);
          fail_msg("%s\n->\n%s\nrefuses %s: %s", a, b, d, err.message);
        }
      }
      rem_validator_free(validator);
      rem_validator_free(old_validator);
    }
  }
  json_decref(cases);
  assert_true(compatible >= 500);
  assert_true(judged >= 10000);
}

static void running_out_of_memory_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  json_t *was = parse("{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"enum\":[1,2]}}}");
  json_t *is = parse("{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"enum\":[1]},\"c\":{}},\"indexed_fields\":[\"a\"]}");
  size_t live = rem_alloc_live_count();
  rem_status status = REM_NOMEM;
  int64_t failures = 0;
  for (int64_t n = 1; status != REM_OK && n < 100; n++) {
    rem_schema_report report = {0};
    rem_error err = {0};
    rem_alloc_fail_at(n, 0);
    status = rem_schema_compare(was, is, &report, &err);
    rem_alloc_fail_at(0, 0);
    assert_true(status == REM_OK || status == REM_NOMEM);
    failures += status == REM_NOMEM;
    rem_schema_report_deinit(&report);
    assert_int_equal(rem_alloc_live_count(), live);
  }
  assert_true(failures >= 2);
  json_decref(was);
  json_decref(is);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_schemas_have_no_difference),
      cmocka_unit_test(fields_may_be_added_and_not_removed),
      cmocka_unit_test(types_may_be_widened),
      cmocka_unit_test(types_may_not_be_narrowed_or_changed),
      cmocka_unit_test(enums_and_bounds_may_be_relaxed_only),
      cmocka_unit_test(nested_objects_are_compared_through_references),
      cmocka_unit_test(recursive_schemas_end),
      cmocka_unit_test(keys_and_embeddings_are_fixed_indexes_are_not),
      cmocka_unit_test(built_in_tables_take_further_fields_from_a_copy_of_their_class),
      cmocka_unit_test(a_compatible_schema_admits_what_the_old_one_admitted),
      cmocka_unit_test(running_out_of_memory_is_reported_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
