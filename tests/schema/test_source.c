/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources of schemas. The Python ones need an interpreter with Pydantic 2: REM_TEST_PYTHON, else python3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/source.h"
#include "schema/validator.h"

#define MODELS REM_TEST_DATA "/schema/models/"

static const char *python(void) {
  const char *chosen = getenv("REM_TEST_PYTHON");
  return chosen != NULL && chosen[0] != 0 ? chosen : "python3";
}

static json_t *read_good(const char *source) {
  json_t *schema = NULL;
  rem_error err = {0};
  rem_status status = rem_schema_source_read(source, python(), &schema, &err);
  if (status == REM_UNSUPPORTED)
    fail_msg("these tests need Pydantic 2 in '%s' (or in REM_TEST_PYTHON): %s", python(), err.message);
  if (status != REM_OK) fail_msg("%s: %s", source, err.message);
  return schema;
}

static void expect_failure(const char *source, const char *interpreter, rem_status expected, const char *message,
                           const char *hint) {
  json_t *schema = NULL;
  rem_error err = {0};
  rem_status status = rem_schema_source_read(source, interpreter, &schema, &err);
  if (status == REM_UNSUPPORTED && expected != REM_UNSUPPORTED)
    fail_msg("these tests need Pydantic 2 in '%s' (or in REM_TEST_PYTHON): %s", python(), err.message);
  if (status != expected || strstr(err.message, message) == NULL || strstr(err.hint, hint) == NULL)
    fail_msg("%s gave %d '%s' with hint '%s'", source, status, err.message, err.hint);
  assert_null(schema);
}

static const char *text_at(const json_t *json, const char *key) {
  return json_string_value(json_object_get(json, key));
}

static void a_model_gives_the_schema_pydantic_makes_of_it(void **state) {
  (void)state;
  json_t *schema = read_good(MODELS "person.py::Person");
  const json_t *properties = json_object_get(schema, "properties");
  assert_string_equal(text_at(schema, "title"), "Person");
  assert_string_equal(text_at(schema, "description"), "A person in the organization.");
  assert_string_equal(text_at(schema, "short_name"), "person");
  assert_string_equal(text_at(schema, "key_field"), "email");
  assert_string_equal(json_string_value(json_array_get(json_object_get(schema, "indexed_fields"), 0)), "role");
  assert_string_equal(text_at(json_object_get(properties, "name"), "description"), "Full name");
  assert_string_equal(text_at(json_object_get(properties, "role"), "default"), "engineer");
  assert_non_null(json_object_get(properties, "class"));
  assert_null(json_object_get(properties, "class_"));
  assert_int_equal(json_array_size(json_object_get(json_object_get(properties, "bio"), "anyOf")), 2);
  assert_non_null(json_object_get(json_object_get(schema, "$defs"), "Address"));
  rem_validator *validator = NULL;
  rem_error err = {0};
  assert_int_equal(rem_validator_new(schema, &validator, &err), REM_OK);
  json_t *row = json_pack("{s:s,s:s,s:{s:s},s:s}", "name", "Alice", "email", "a@example.com", "home", "zip", "1234",
                          "born", "1990-01-01T00:00:00");
  assert_int_equal(rem_validator_check(validator, row, &err), REM_INVALID);
  assert_non_null(strstr(err.message, "at '/home/zip'"));
  json_object_set_new(row, "home", json_null());
  assert_int_equal(rem_validator_check(validator, row, &err), REM_OK);
  json_decref(row);
  rem_validator_free(validator);
  json_decref(schema);
}

static void nested_classes_packages_and_odd_names_work(void **state) {
  (void)state;
  json_t *schema = read_good(MODELS "person.py::Company.Team");
  assert_string_equal(text_at(schema, "title"), "Team");
  json_decref(schema);
  schema = read_good(MODELS "shop/order.py::Order");
  assert_non_null(json_object_get(json_object_get(schema, "properties"), "sku"));
  assert_string_equal(text_at(schema, "description"), "An order.");
  json_decref(schema);
  schema = read_good(MODELS "types.py::Thing");
  assert_string_equal(text_at(schema, "title"), "Thing");
  json_decref(schema);
}

static void a_relative_path_is_found_from_the_current_folder(void **state) {
  (void)state;
  char before[4096];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(REM_TEST_DATA "/schema"), 0);
  json_t *schema = read_good("models/person.py::Person");
  assert_int_equal(chdir(before), 0);
  assert_string_equal(text_at(schema, "title"), "Person");
  json_decref(schema);
}

static void failures_of_python_files_say_what_to_do(void **state) {
  (void)state;
  expect_failure(MODELS "nowhere.py::Person", python(), REM_UNKNOWN, "there is no file", "");
  expect_failure(MODELS "person.py::Persn", python(), REM_UNKNOWN,
                 "has no class 'Persn'; the models in the file are: 'Address', 'Person', 'Company', 'Company.Team'",
                 "Did you mean 'Person'?");
  expect_failure(MODELS "person.py", python(), REM_UNKNOWN, "no class is named; the models in the file are: 'Address'",
                 "person.py::Address");
  expect_failure(MODELS "person.py::NotAModel", python(), REM_INVALID, "is not a Pydantic model", "pydantic.BaseModel");
  expect_failure(MODELS "broken.py::A", python(), REM_INVALID, "line 4: ValueError: no such luck", "whole error");
  expect_failure(MODELS "exits.py::A", python(), REM_INVALID, "the end of it", "Import the file");
  expect_failure(MODELS "person.py::Person", "/nowhere/python", REM_UNKNOWN,
                 "the Python interpreter '/nowhere/python' cannot be run: No such file", "P8_PYTHON");
  expect_failure("person.txt::Person", python(), REM_INVALID, "is not a Python file", "person.py::Person");
}

/* An interpreter that cannot import Pydantic: -S and an empty path leave only the standard library. */
static void a_missing_pydantic_names_the_command_that_installs_it(void **state) {
  (void)state;
  char folder[] = "/tmp/rem_test_source_XXXXXX", script[128];
  assert_non_null(mkdtemp(folder));
  snprintf(script, sizeof script, "%s/python", folder);
  FILE *file = fopen(script, "w");
  assert_non_null(file);
  fprintf(file, "#!/bin/sh\nunset PYTHONPATH\nexec '%s' -S \"$@\"\n", python());
  fclose(file);
  assert_int_equal(access(script, F_OK), 0);
  char command[256];
  snprintf(command, sizeof command, "chmod +x '%s'", script);
  assert_int_equal(system(command), 0);
  expect_failure(MODELS "person.py::Person", script, REM_UNSUPPORTED, "Pydantic cannot be imported",
                 "-m pip install \"pydantic>=2\"");
  unlink(script);
  rmdir(folder);
}

static void the_interpreter_comes_from_option_environment_and_virtual_environment(void **state) {
  (void)state;
  setenv("P8_PYTHON", "/nowhere/a", 1);
  setenv("VIRTUAL_ENV", "/nowhere/b", 1);
  expect_failure(MODELS "person.py::Person", "/nowhere/c", REM_UNKNOWN, "'/nowhere/c'", "");
  expect_failure(MODELS "person.py::Person", NULL, REM_UNKNOWN, "'/nowhere/a'", "");
  unsetenv("P8_PYTHON");
  expect_failure(MODELS "person.py::Person", NULL, REM_UNKNOWN, "'/nowhere/b/bin/python'", "");
  unsetenv("VIRTUAL_ENV");
}

static void yaml_and_json_documents_are_read(void **state) {
  (void)state;
  json_t *schema = read_good(REM_TEST_DATA "/schema/note.yaml");
  const json_t *answer = json_object_get(json_object_get(schema, "properties"), "answer");
  assert_string_equal(text_at(schema, "title"), "Note");
  assert_string_equal(json_string_value(json_array_get(json_object_get(answer, "enum"), 0)), "no");
  json_decref(schema);
  expect_failure(REM_TEST_DATA "/schema/keywords.json", NULL, REM_INVALID, "a schema must be an object, not array", "");
  expect_failure(REM_TEST_DATA "/schema/nowhere.json", NULL, REM_UNKNOWN, "nowhere.json", "");
  expect_failure("schema.toml", NULL, REM_INVALID, "'schema.toml' is not a kind of schema file", "person.py::Person");
}

/* The child gets no descriptor of ours and leaves none behind. */
static void no_descriptor_is_leaked(void **state) {
  (void)state;
  int before = dup(0);
  assert_true(before >= 0);
  close(before);
  json_decref(read_good(MODELS "shop/base.py::Base"));
  expect_failure(MODELS "broken.py::A", python(), REM_INVALID, "ValueError", "");
  expect_failure(MODELS "person.py::Person", "/nowhere/python", REM_UNKNOWN, "cannot be run", "");
  int after = dup(0);
  close(after);
  assert_int_equal(before, after);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_gives_the_schema_pydantic_makes_of_it),
      cmocka_unit_test(nested_classes_packages_and_odd_names_work),
      cmocka_unit_test(a_relative_path_is_found_from_the_current_folder),
      cmocka_unit_test(failures_of_python_files_say_what_to_do),
      cmocka_unit_test(a_missing_pydantic_names_the_command_that_installs_it),
      cmocka_unit_test(the_interpreter_comes_from_option_environment_and_virtual_environment),
      cmocka_unit_test(yaml_and_json_documents_are_read),
      cmocka_unit_test(no_descriptor_is_leaked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
