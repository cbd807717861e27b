/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: verdicts by tables of cases (tests/data/schema), messages, mistakes in schemas, limits, defaults.
 *
 * random.json was made by tools/validator_golden.py from seed 1; REM_SCHEMA_CASES names a further file of its form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "schema/validator.h"

static json_t *parse(const char *text) {
  json_t *json = NULL;
  rem_error err = {0};
  if (rem_json_parse(text, strlen(text), &json, &err) != REM_OK) fail_msg("%s in %s", err.message, text);
  return json;
}

static json_t *load(const char *path) {
  rem_bytes text = {0};
  json_t *json = NULL;
  rem_error err = {0};
  if (rem_file_read(path, (size_t)256 << 20, &text, &err) != REM_OK) fail_msg("%s", err.message);
  if (rem_json_parse(text.data, text.size, &json, &err) != REM_OK) fail_msg("%s: %s", path, err.message);
  rem_bytes_free(&text);
  return json;
}

static size_t run_case(const json_t *c, size_t *total) {
  const char *description = json_string_value(json_object_get(c, "description"));
  const json_t *tests = json_object_get(c, "tests");
  rem_validator *validator = NULL;
  rem_error err = {0};
  size_t wrong = 0;
  if (rem_validator_new(json_object_get(c, "schema"), &validator, &err) != REM_OK) {
    print_error("%s: %s\n", description, err.message);
    return 1;
  }
  for (size_t i = 0; i < json_array_size(tests); i++, ++*total) {
    const json_t *test = json_array_get(tests, i);
    rem_status expected = json_is_true(json_object_get(test, "valid")) ? REM_OK : REM_INVALID;
    err = (rem_error){0};
    rem_status status = rem_validator_check(validator, json_object_get(test, "data"), &err);
    if (status == expected && (status == REM_OK || strstr(err.message, "expected ") != NULL)) continue;
    print_error("%s, test %zu: expected %d, got %d %s\n", description, i, expected, status, err.message);
    wrong++;
  }
  rem_validator_free(validator);
  return wrong;
}

static void run_file(const char *path, size_t least) {
  json_t *cases = load(path);
  size_t total = 0, wrong = 0;
  for (size_t i = 0; i < json_array_size(cases); i++)
    wrong += run_case(json_array_get(cases, i), &total);
  json_decref(cases);
  assert_int_equal(wrong, 0);
  assert_true(total >= least);
}

static void verdicts_by_keyword(void **state) {
  (void)state;
  run_file(REM_TEST_DATA "/schema/keywords.json", 700);
}

static void verdicts_on_random_schemas_are_those_of_another_validator(void **state) {
  (void)state;
  run_file(REM_TEST_DATA "/schema/random.json", 1000);
  if (getenv("REM_SCHEMA_CASES") != NULL) run_file(getenv("REM_SCHEMA_CASES"), 1);
}

/* Expects the message, and the hint when one is given. */
static void expect_message(const char *schema_text, const char *instance_text, const char *message, const char *hint) {
  json_t *schema = parse(schema_text), *instance = parse(instance_text);
  rem_validator *validator = NULL;
  rem_error err = {0};
  if (rem_validator_new(schema, &validator, &err) != REM_OK) fail_msg("%s", err.message);
  assert_int_equal(rem_validator_check(validator, instance, &err), REM_INVALID);
  assert_int_equal(err.code, REM_INVALID);
  assert_string_equal(err.message, message);
  if (hint != NULL) assert_string_equal(err.hint, hint);
  rem_validator_free(validator);
  json_decref(schema);
  json_decref(instance);
}

static const char PERSON[] =
    "{\"title\":\"Person\",\"type\":\"object\",\"properties\":{"
    "\"name\":{\"type\":\"string\",\"description\":\"Full name\"},"
    "\"age\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"description\":\"Age in years\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":3}},"
    "\"home\":{\"$ref\":\"#/$defs/Address\"},\"a/b\":{\"type\":\"integer\"}},"
    "\"required\":[\"name\"],\"additionalProperties\":false,"
    "\"$defs\":{\"Address\":{\"type\":\"object\",\"description\":\"Where one lives\",\"properties\":"
    "{\"zip\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}},\"required\":[\"zip\"]}}}";

static void messages_give_pointer_expectation_and_finding(void **state) {
  (void)state;
  expect_message(PERSON, "{\"name\":5}", "at '/name': expected string, found integer 5",
                 "The schema says of this field: Full name");
  expect_message(PERSON, "{\"name\":\"A\",\"age\":\"x\"}", "at '/age': expected integer or null, found string 'x'",
                 "The schema says of this field: Age in years");
  expect_message(PERSON, "{\"name\":\"A\",\"age\":1.5}", "at '/age': expected integer or null, found number 1.5", NULL);
  expect_message(PERSON, "{}", "at '/name': expected string, found nothing (the field is required)",
                 "The schema says of this field: Full name");
  expect_message("{\"required\":[\"name\"]}", "{\"nmae\":1}", "at '/name': expected a value, found nothing (the field is required)",
                 "There is a field 'nmae': did you mean 'name'?");
  expect_message(PERSON, "{\"name\":\"A\",\"home\":{}}",
                 "at '/home/zip': expected string, found nothing (the field is required)",
                 "The rule is `required` in the schema 'Person'.");
  expect_message(PERSON, "{\"name\":\"A\",\"home\":[]}", "at '/home': expected object, found array of 0 items",
                 "The schema says of this field: Where one lives");
  expect_message(PERSON, "{\"name\":\"A\",\"home\":{\"zip\":\"12\"}}",
                 "at '/home/zip': expected a string matching '^[0-9]{5}$', found string '12'", NULL);
  expect_message(PERSON, "{\"name\":\"A\",\"tags\":[\"a\",\"long\"]}",
                 "at '/tags/1': expected a string of at most 3 characters, found one of 4 characters", NULL);
  expect_message(PERSON, "{\"name\":\"A\",\"tgas\":[]}", "at '/tgas': expected no such field, found array of 0 items",
                 "Did you mean 'tags'? The schema allows no fields but its own.");
  expect_message(PERSON, "{\"name\":\"A\",\"a/b\":null}", "at '/a~1b': expected integer, found null", NULL);
  expect_message(PERSON, "[1]", "at the top level: expected object, found array of 1 item",
                 "The rule is `type` in the schema 'Person'.");
}

static void messages_name_the_rule(void **state) {
  (void)state;
  expect_message("{\"minimum\":1.5}", "1", "at the top level: expected a number >= 1.5, found integer 1",
                 "The rule is `minimum` in the schema.");
  expect_message("{\"enum\":[\"a\",1,null]}", "true", "at the top level: expected one of 'a', 1, null, found boolean true",
                 NULL);
  expect_message("{\"const\":{\"a\":1}}", "2", "at the top level: expected {\"a\":1}, found integer 2", NULL);
  expect_message("{\"multipleOf\":0.5}", "0.3",
                 "at the top level: expected a number that is a multiple of 0.5, found number 0.3", NULL);
  expect_message("{\"uniqueItems\":true}", "[5,1,5]", "at '/2': expected an item unlike item 0, found integer 5", NULL);
  expect_message("{\"contains\":{\"type\":\"string\"}}", "[5]",
                 "at the top level: expected an array with at least 1 item as `contains` describes, found array of 1 item",
                 NULL);
  expect_message("{\"dependentRequired\":{\"card\":[\"address\"]}}", "{\"card\":1}",
                 "at '/address': expected a value, found nothing (required beside 'card')", NULL);
  expect_message("{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"A\":1}",
                 "at the top level: expected property names as `propertyNames` describes, found 'A'", NULL);
  expect_message("{\"format\":\"uuid\"}", "\"x\"",
                 "at the top level: expected a UUID such as 550e8400-e29b-41d4-a716-446655440000, found string 'x'", NULL);
  expect_message("{\"minProperties\":2}", "{\"a\":1}",
                 "at the top level: expected an object of at least 2 properties, found one of 1 property", NULL);
  expect_message("false", "1", "at the top level: expected no value at all, found integer 1", NULL);
  expect_message("{\"not\":{\"type\":\"integer\"}}", "1",
                 "at the top level: expected a value that does not match `not`, found integer 1", NULL);
}

static void the_branch_that_was_meant_speaks(void **state) {
  (void)state;
  const char *animals =
      "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"cat\"},\"lives\":{\"type\":\"integer\"}},"
      "\"required\":[\"kind\",\"lives\"]},{\"type\":\"object\",\"properties\":{\"kind\":{\"const\":\"dog\"},"
      "\"barks\":{\"type\":\"boolean\"}},\"required\":[\"kind\",\"barks\"]}]}";
  expect_message(animals, "{\"kind\":\"dog\",\"barks\":\"loud\"}", "at '/barks': expected boolean, found string 'loud'", NULL);
  expect_message(animals, "{\"kind\":\"cat\",\"lives\":null}", "at '/lives': expected integer, found null", NULL);
  expect_message(animals, "{\"kind\":\"bird\",\"lives\":1}", "at '/kind': expected 'cat' or 1 other, found string 'bird'",
                 NULL);
  expect_message(animals, "5", "at the top level: expected object, found integer 5", NULL);
  expect_message("{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},{\"type\":\"null\"}]}", "[1,\"x\"]",
                 "at '/1': expected integer, found string 'x'", NULL);
  expect_message("{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3",
                 "at the top level: expected a value that matches exactly one schema of `oneOf`, found integer 3", NULL);
}

/* Long and hostile values end up cut, quoted and on one line. */
static void messages_stay_short(void **state) {
  (void)state;
  char text[2000];
  memset(text, 'y', sizeof text);
  text[0] = text[1501] = '"';
  text[1502] = 0;
  json_t *schema = parse("{\"type\":\"integer\"}"), *instance = parse(text);
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_check(validator, instance, &err), REM_INVALID);
  assert_true(strlen(err.message) < 200);
  assert_non_null(strstr(err.message, "yyy\xe2\x80\xa6'"));
  json_decref(instance);
  instance = parse("\"a\\nb\"");
  assert_int_equal(rem_validator_check(validator, instance, &err), REM_INVALID);
  assert_null(strchr(err.message, '\n'));
  json_decref(instance);
  rem_validator_free(validator);
  json_decref(schema);
}

static void mistakes_in_schemas_are_found_with_their_place(void **state) {
  (void)state;
  static const struct {
    const char *schema;
    rem_status status;
    const char *part;
  } cases[] = {
      {"5", REM_INVALID, "schema at '': a schema must be an object, true or false, not integer"},
      {"{\"type\":\"int\"}", REM_INVALID, "schema at '/type': there is no type 'int'"},
      {"{\"type\":5}", REM_INVALID, "schema at '/type'"},
      {"{\"type\":[\"string\",\"nul\"]}", REM_INVALID, "schema at '/type/1'"},
      {"{\"properties\":{\"age\":{\"minimum\":\"x\"}}}", REM_INVALID,
       "schema at '/properties/age/minimum': expected number, found string"},
      {"{\"properties\":{\"a\":5}}", REM_INVALID, "schema at '/properties/a'"},
      {"{\"properties\":[]}", REM_INVALID, "schema at '/properties'"},
      {"{\"required\":\"a\"}", REM_INVALID, "schema at '/required': expected array of names, found string"},
      {"{\"required\":[1]}", REM_INVALID, "schema at '/required/0'"},
      {"{\"properties\":{\"a\":{\"required\":true}}}", REM_INVALID, "schema at '/properties/a/required'"},
      {"{\"minLength\":-1}", REM_INVALID, "schema at '/minLength'"},
      {"{\"minLength\":1.5}", REM_INVALID, "schema at '/minLength'"},
      {"{\"multipleOf\":0}", REM_INVALID, "schema at '/multipleOf'"},
      {"{\"enum\":\"a\"}", REM_INVALID, "schema at '/enum'"},
      {"{\"pattern\":\"(\"}", REM_INVALID, "schema at '/pattern': invalid regular expression '('"},
      {"{\"patternProperties\":{\"[\":{}}}", REM_INVALID, "schema at '/patternProperties/['"},
      {"{\"format\":1}", REM_INVALID, "schema at '/format'"},
      {"{\"allOf\":[]}", REM_INVALID, "schema at '/allOf'"},
      {"{\"allOf\":[{\"not\":1}]}", REM_INVALID, "schema at '/allOf/0/not'"},
      {"{\"uniqueItems\":1}", REM_INVALID, "schema at '/uniqueItems'"},
      {"{\"items\":[{}]}", REM_INVALID, "schema at '/items'"},
      {"{\"$defs\":{\"A\":{\"type\":\"x\"}}}", REM_INVALID, "schema at '/$defs/A/type'"},
      {"{\"$ref\":\"#/$defs/A\"}", REM_INVALID, "'#/$defs/A' names nothing in this document"},
      {"{\"$ref\":\"#nope\"}", REM_INVALID, "schema at '/$ref': '#nope'"},
      {"{\"x\":{\"y\":{\"type\":\"z\"}},\"$ref\":\"#/x/y\"}", REM_INVALID, "schema at '/x/y/type'"},
      {"{\"$ref\":\"#\"}", REM_INVALID, "refers to itself without end"},
      {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}", REM_INVALID,
       "refers to itself without end"},
      {"{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", REM_INVALID, "refers to itself without end"},
      {"{\"$ref\":\"https://example.com/other.json\"}", REM_UNSUPPORTED, "is in another document"},
      {"{\"properties\":{\"a\":{\"$ref\":\"other.json#/a\"}}}", REM_UNSUPPORTED, "schema at '/properties/a/$ref'"},
      {"{\"properties\":{\"a\":{\"$id\":\"other.json\"}}}", REM_UNSUPPORTED, "schema at '/properties/a/$id'"},
      {"{\"items\":{\"$dynamicRef\":\"#a\"}}", REM_UNSUPPORTED, "schema at '/items/$dynamicRef'"},
      {"{\"$schema\":\"https://example.com/dialect\"}", REM_UNSUPPORTED, "schema at '/$schema'"},
      {"{\"$schema\":1}", REM_INVALID, "schema at '/$schema'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    json_t *schema = parse(cases[i].schema);
    rem_validator *validator = NULL;
    rem_error err = {0};
    rem_status status = rem_validator_new(schema, &validator, &err);
    if (status != cases[i].status || strstr(err.message, cases[i].part) == NULL)
      fail_msg("%s gave %d '%s'", cases[i].schema, status, err.message);
    assert_null(validator);
    json_decref(schema);
  }
}

static void deep_values_and_costly_schemas_are_refused(void **state) {
  (void)state;
  json_t *schema = parse("{\"items\":{\"$ref\":\"#\"}}"), *deep = json_array();
  for (int i = 0; i < 5000; i++) {
    json_t *outer = json_array();
    json_array_append_new(outer, deep);
    deep = outer;
  }
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_check(validator, deep, &err), REM_LIMIT);
  /* Freed from the outside in: jansson's own way is recursive. */
  while (json_array_size(deep) > 0) {
    json_t *inner = json_incref(json_array_get(deep, 0));
    json_array_clear(deep);
    json_decref(deep);
    deep = inner;
  }
  json_decref(deep);
  rem_validator_free(validator);
  json_decref(schema);
  /* 2^40 visits */
  schema = json_object();
  json_t *defs = json_object();
  for (int i = 0; i < 40; i++) {
    char name[16], next[32];
    snprintf(name, sizeof name, "d%d", i);
    snprintf(next, sizeof next, "#/$defs/d%d", i + 1);
    json_object_set_new(defs, name, json_pack("{s:[{s:s},{s:s}]}", "allOf", "$ref", next, "$ref", next));
  }
  json_object_set_new(defs, "d40", json_pack("{s:s}", "type", "integer"));
  json_object_set_new(schema, "$defs", defs);
  json_object_set_new(schema, "$ref", json_string("#/$defs/d0"));
  json_t *one = json_integer(1);
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_check(validator, one, &err), REM_LIMIT);
  assert_non_null(strstr(err.message, "too many steps"));
  json_decref(one);
  rem_validator_free(validator);
  json_decref(schema);
}

static void a_catastrophic_pattern_is_an_error_and_no_hang(void **state) {
  (void)state;
  json_t *schema = parse("{\"pattern\":\"^(a+)+$\"}");
  json_t *instance = parse("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"");
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_check(validator, instance, &err), REM_LIMIT);
  assert_non_null(strstr(err.message, "(a+)+"));
  rem_validator_free(validator);
  json_decref(instance);
  json_decref(schema);
}

static void expect_filled(const char *schema_text, const char *instance_text, const char *expected_text) {
  json_t *schema = parse(schema_text), *instance = parse(instance_text), *expected = parse(expected_text);
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_apply_defaults(validator, instance, &err), REM_OK);
  if (!rem_json_equal(instance, expected)) {
    char *text = json_dumps(instance, JSON_ENCODE_ANY);
    fail_msg("%s became %s, not %s", instance_text, text, expected_text);
  }
  rem_validator_free(validator);
  json_decref(schema);
  json_decref(instance);
  json_decref(expected);
}

static void defaults_fill_what_is_absent(void **state) {
  (void)state;
  const char *schema =
      "{\"properties\":{\"a\":{\"default\":1},\"b\":{\"default\":null},\"c\":{\"type\":\"string\"},"
      "\"o\":{\"$ref\":\"#/$defs/O\"},\"m\":{\"anyOf\":[{\"$ref\":\"#/$defs/O\"},{\"type\":\"null\"}]},"
      "\"l\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/O\"}}},"
      "\"$defs\":{\"O\":{\"type\":\"object\",\"properties\":{\"x\":{\"default\":[1,2]},\"y\":{\"type\":\"integer\"}}}}}";
  expect_filled(schema, "{}", "{\"a\":1,\"b\":null}");
  expect_filled(schema, "{\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}");
  expect_filled(schema, "{\"a\":null}", "{\"a\":null,\"b\":null}");
  expect_filled(schema, "{\"a\":0,\"b\":0,\"o\":{\"y\":1}}", "{\"a\":0,\"b\":0,\"o\":{\"y\":1,\"x\":[1,2]}}");
  expect_filled(schema, "{\"a\":0,\"b\":0,\"m\":{}}", "{\"a\":0,\"b\":0,\"m\":{\"x\":[1,2]}}");
  expect_filled(schema, "{\"a\":0,\"b\":0,\"m\":null}", "{\"a\":0,\"b\":0,\"m\":null}");
  expect_filled(schema, "{\"a\":0,\"b\":0,\"l\":[{},{\"x\":0},5]}", "{\"a\":0,\"b\":0,\"l\":[{\"x\":[1,2]},{\"x\":0},5]}");
  expect_filled("true", "{\"a\":1}", "{\"a\":1}");
  /* Two objects beside each other in an anyOf: either may be meant, neither is filled. */
  expect_filled("{\"properties\":{\"u\":{\"anyOf\":[{\"properties\":{\"k\":{\"default\":1}}},{\"properties\":{\"j\":"
                "{\"default\":2}}}]}}}",
                "{\"u\":{}}", "{\"u\":{}}");
}

/* Two rows given the same default do not share it. */
static void defaults_are_copies(void **state) {
  (void)state;
  json_t *schema = parse("{\"properties\":{\"tags\":{\"default\":[]}}}"), *a = json_object(), *b = json_object();
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  assert_int_equal(rem_validator_apply_defaults(validator, a, &err), REM_OK);
  json_array_append_new(json_object_get(a, "tags"), json_integer(1));
  assert_int_equal(rem_validator_apply_defaults(validator, b, &err), REM_OK);
  assert_int_equal(json_array_size(json_object_get(b, "tags")), 0);
  rem_validator_free(validator);
  json_decref(a);
  json_decref(b);
  json_decref(schema);
}

static void a_valid_row_is_checked_without_allocating(void **state) {
  (void)state;
  json_t *schema = parse(PERSON);
  json_t *row = parse("{\"name\":\"A\",\"age\":5,\"tags\":[\"a\",\"b\"],\"home\":{\"zip\":\"12345\"}}");
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  rem_alloc_fail_at(1, 1);
  rem_status status = rem_validator_check(validator, row, &err);
  rem_alloc_fail_at(0, 0);
  assert_int_equal(status, REM_OK);
  rem_validator_free(validator);
  json_decref(row);
  json_decref(schema);
}

static void running_out_of_memory_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  json_t *schema = parse("{\"properties\":{\"a\":{\"pattern\":\"^a\",\"enum\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\","
                         "\"i\"]},\"b\":{\"$ref\":\"#/$defs/x\"}},\"$defs\":{\"x\":{\"$anchor\":\"y\",\"uniqueItems\":true}},"
                         "\"unevaluatedProperties\":false}");
  json_t *row = parse("{\"a\":\"a\",\"b\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}");
  size_t live = rem_alloc_live_count();
  rem_status status = REM_NOMEM;
  int64_t failures = 0;
  for (int64_t n = 1; status != REM_OK && n < 1000; n++) {
    rem_validator *validator = NULL;
    rem_error err = {0};
    rem_alloc_fail_at(n, 0);
    status = rem_validator_new(schema, &validator, &err);
    if (status == REM_OK) status = rem_validator_check(validator, row, &err);
    rem_alloc_fail_at(0, 0);
    rem_validator_free(validator);
    assert_true(status == REM_OK || status == REM_NOMEM);
    assert_int_equal(rem_alloc_live_count(), live);
    failures += status != REM_OK;
  }
  assert_int_equal(status, REM_OK);
  assert_true(failures > 5);
  json_decref(row);
  json_decref(schema);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verdicts_by_keyword),
      cmocka_unit_test(verdicts_on_random_schemas_are_those_of_another_validator),
      cmocka_unit_test(messages_give_pointer_expectation_and_finding),
      cmocka_unit_test(messages_name_the_rule),
      cmocka_unit_test(the_branch_that_was_meant_speaks),
      cmocka_unit_test(messages_stay_short),
      cmocka_unit_test(mistakes_in_schemas_are_found_with_their_place),
      cmocka_unit_test(deep_values_and_costly_schemas_are_refused),
      cmocka_unit_test(a_catastrophic_pattern_is_an_error_and_no_hang),
      cmocka_unit_test(defaults_fill_what_is_absent),
      cmocka_unit_test(defaults_are_copies),
      cmocka_unit_test(a_valid_row_is_checked_without_allocating),
      cmocka_unit_test(running_out_of_memory_is_reported_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
