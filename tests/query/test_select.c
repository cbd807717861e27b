/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tables: columns, paths, orders, types. */
#include "query_test.h"

static const char PERSON[] =
    "{\"title\":\"Person\",\"short_name\":\"person\",\"type\":\"object\",\"key_field\":\"email\",\"indexed_fields\":[\"role\",\"age\",\"born\",\"active\",\"tags\"],"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"},"
    "\"score\":{\"type\":\"number\"},\"active\":{\"type\":\"boolean\"},\"born\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"extra\":{\"type\":\"object\"}},\"required\":[\"email\"]}";

static int fill(void **state) {
  test_setup(state);
  test_db *test = *state;
  add_schema(test, PERSON);
  put(test, "person", "{\"name\":\"Ann\",\"email\":\"ann@x\",\"role\":\"engineer\",\"age\":31,\"score\":1.5,\"active\":true,"
                      "\"born\":\"1994-05-01T00:00:00Z\",\"tags\":[\"a\",\"b\"],\"extra\":{\"k\":[1,2]}}");
  put(test, "person", "{\"name\":\"Bob\",\"email\":\"bob@x\",\"role\":\"manager\",\"age\":45,\"score\":5,\"active\":false,"
                      "\"born\":\"1980-01-02T03:04:05.678Z\",\"tags\":[\"b\"]}");
  put(test, "person", "{\"name\":\"Cid\",\"email\":\"cid@x\",\"role\":\"engineer\",\"age\":28}");
  put(test, "person", "{\"name\":\"Dee\",\"email\":\"dee@x\"}");
  return 0;
}

static void star_gives_fields_and_system_fields_with_their_types(void **state) {
  rem_session *session = open_session(*state);
  char *row = run(session, "SELECT * FROM person WHERE email = 'ann@x'");
  json_t *json = json_loads(row, 0, NULL);
  assert_non_null(json);
  assert_int_equal(json_object_size(json), 15);
  assert_true(json_is_true(json_object_get(json, "active")));
  assert_string_equal(json_string_value(json_object_get(json, "born")), "1994-05-01T00:00:00Z");
  assert_int_equal(json_array_size(json_object_get(json, "tags")), 2);
  assert_true(json_is_object(json_object_get(json, "extra")));
  assert_string_equal(json_string_value(json_object_get(json, "type")), "person");
  assert_true(json_is_null(json_object_get(json, "deleted_at")));
  assert_int_equal(json_array_size(json_object_get(json, "edges")), 0);
  assert_string_equal(json_object_iter_key(json_object_iter(json)), "name");
  json_decref(json);
  free(row);
  rem_session_close(session);
}

static void rows_are_found_by_every_path(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT name FROM person WHERE email = 'bob@x'", "{\"name\":\"Bob\"}\n");
  expect(s, "SELECT name FROM person WHERE email = 'nobody'", "");
  expect(s, "SELECT p.name FROM person p WHERE p.id = (SELECT id FROM person WHERE email='cid@x')", "{\"name\":\"Cid\"}\n");
  expect(s, "SELECT name FROM person WHERE email IN ('bob@x','dee@x','zed@x') ORDER BY name", "{\"name\":\"Bob\"}\n{\"name\":\"Dee\"}\n");
  expect(s, "SELECT name FROM person WHERE role = 'engineer' ORDER BY name", "{\"name\":\"Ann\"}\n{\"name\":\"Cid\"}\n");
  expect(s, "SELECT name FROM person WHERE role IN ('manager','engineer') ORDER BY name", "{\"name\":\"Ann\"}\n{\"name\":\"Bob\"}\n{\"name\":\"Cid\"}\n");
  expect(s, "SELECT name FROM person WHERE role IS NULL", "{\"name\":\"Dee\"}\n");
  expect(s, "SELECT name FROM person WHERE age > 28 AND age <= 45 ORDER BY age DESC", "{\"name\":\"Bob\"}\n{\"name\":\"Ann\"}\n");
  expect(s, "SELECT age FROM person ORDER BY age LIMIT 2 OFFSET 1", "{\"age\":28}\n{\"age\":31}\n");
  expect(s, "SELECT name FROM person WHERE role LIKE 'ENG%' ORDER BY 1", "{\"name\":\"Ann\"}\n{\"name\":\"Cid\"}\n");
  expect(s, "SELECT name FROM person WHERE role GLOB 'ENG*'", "");
  expect(s, "SELECT name FROM person WHERE active", "{\"name\":\"Ann\"}\n");
  expect(s, "SELECT name FROM person WHERE active = 0", "{\"name\":\"Bob\"}\n");
  expect(s, "SELECT name FROM person WHERE age = '31'", "{\"name\":\"Ann\"}\n");
  expect(s, "SELECT name FROM person WHERE age BETWEEN 30 AND 50 AND score > 2", "{\"name\":\"Bob\"}\n");
  expect(s, "SELECT name FROM person WHERE _rem_has(tags, 'b') ORDER BY name", "{\"name\":\"Ann\"}\n{\"name\":\"Bob\"}\n");
  expect(s, "SELECT count(*) FROM person", "{\"count(*)\":4}\n");
  rem_session_close(s);
}

static void instants_compare_as_instants_in_any_form(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT name FROM person WHERE born = '1994-05-01'", "{\"name\":\"Ann\"}\n");
  expect(s, "SELECT name FROM person WHERE born = '1994-05-01T02:00:00+02:00'", "{\"name\":\"Ann\"}\n");
  assert_int_equal(refuse(s, "SELECT name FROM person WHERE born < '1990'", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "SELECT name FROM person WHERE coalesce(born, '') = 'x' OR born = name", NULL), REM_INVALID);
  expect(s, "SELECT name, born FROM person WHERE born < '1990-01-01'", "{\"name\":\"Bob\",\"born\":\"1980-01-02T03:04:05.678Z\"}\n");
  expect(s, "SELECT count(*) AS n FROM person WHERE created_at >= '2020-01-01' AND created_at < '2100-01-01'", "{\"n\":4}\n");
  expect(s, "SELECT name FROM person ORDER BY born DESC LIMIT 1", "{\"name\":\"Ann\"}\n");
  rem_session_close(s);
}

static rem_statement *prepare(rem_session *s, const char *sql) {
  rem_statement *statement;
  OK(rem_session_prepare(s, sql, strlen(sql), &statement, NULL, err));
  return statement;
}

static rem_value text_value(const char *text) {
  return (rem_value){.type = REM_TYPE_TEXT, .text = text, .text_size = strlen(text)};
}

static void what_can_never_be_equal_is_an_error_with_its_place(void **state) {
  rem_session *s = open_session(*state);
  rem_error error;
  static const struct {
    const char *sql;
    int offset;
  } mistakes[] = {{"SELECT name FROM person WHERE age = 'old'", 36},
                  {"SELECT name FROM person WHERE score IN (1, 'x')", 43},
                  {"SELECT name FROM person WHERE active = 'yes'", 39},
                  {"SELECT name FROM person WHERE tags = 'a'", 37},
                  {"SELECT name FROM person WHERE extra < 3", 38},
                  {"SELECT id FROM entities WHERE created_at > 'then'", 43},
                  {"UPDATE person SET role = 'x' WHERE age = 'old'", 41}};
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    assert_int_equal(refuse(s, mistakes[i].sql, &error), REM_INVALID);
    assert_int_equal(error.offset, mistakes[i].offset);
    assert_true(error.hint[0] != 0);
  }
  /* Nothing was looked at: the empty table is refused as well. */
  assert_int_equal(refuse(s, "SELECT 1 FROM files WHERE size_bytes = 'x'", NULL), REM_INVALID);
  rem_session_close(s);
}

static void a_value_is_looked_at_when_it_is_bound(void **state) {
  rem_session *s = open_session(*state);
  rem_error error;
  rem_statement *statement = prepare(s, "SELECT name FROM person WHERE age > :age AND role = ?2");
  const rem_value old = text_value("old"), digits = text_value("30"), number = {.type = REM_TYPE_INT, .integer = 5},
                  real = {.type = REM_TYPE_REAL, .real = 0.5}, null = {.type = REM_TYPE_NULL};
  assert_int_equal(rem_statement_bind(statement, 1, &old, &error), REM_INVALID);
  assert_string_equal(error.message, "'age' is a number, and parameter :age, 'old', is none");
  assert_int_equal(error.offset, 36);
  OK(rem_statement_bind(statement, 1, &null, err));
  OK(rem_statement_bind(statement, 1, &digits, err));
  OK(rem_statement_bind(statement, 2, &number, err)); /* by its digits */
  assert_int_equal(rem_statement_bind(statement, 2, &real, &error), REM_INVALID);
  const rem_value engineer = text_value("engineer");
  OK(rem_statement_bind(statement, 2, &engineer, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  assert_string_equal(rem_statement_value(statement, 0).text, "Ann");
  rem_statement_free(statement);
  rem_session_close(s);
}

static void lists_and_objects_are_equal_whatever_their_blanks(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT name FROM person WHERE tags = ' [ \"a\" , \"b\" ] '", "{\"name\":\"Ann\"}\n");
  expect(s, "SELECT name FROM person WHERE extra = '{ \"k\": [1, 2] }' OR tags IN ('[ \"b\" ]') ORDER BY name", "{\"name\":\"Ann\"}\n{\"name\":\"Bob\"}\n");
  rem_statement *statement = prepare(s, "SELECT name FROM person WHERE tags = ?");
  const rem_value tags = text_value("[\"a\", \"b\"]"), broken = text_value("[1,");
  rem_error error;
  assert_int_equal(rem_statement_bind(statement, 1, &broken, &error), REM_INVALID);
  assert_string_equal(error.message, "'tags' is a list, and parameter ?1, '[1,', is none");
  OK(rem_statement_bind(statement, 1, &tags, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  assert_string_equal(rem_statement_value(statement, 0).text, "Ann");
  rem_statement_free(statement);
  rem_session_close(s);
}

static void a_parameter_in_several_places_fits_one_of_them(void **state) {
  rem_session *s = open_session(*state);
  rem_statement *statement = prepare(s, "SELECT name FROM person WHERE name = :x OR age = :x OR born = :x");
  const rem_value bob = text_value("Bob"), age = {.type = REM_TYPE_INT, .integer = 28}, real = {.type = REM_TYPE_REAL, .real = 0.5},
                  blob = {.type = REM_TYPE_BLOB, .text = "x", .text_size = 1};
  OK(rem_statement_bind(statement, 1, &age, err));
  OK(rem_statement_bind(statement, 1, &real, err));
  assert_int_equal(rem_statement_bind(statement, 1, &blob, NULL), REM_INVALID);
  OK(rem_statement_bind(statement, 1, &bob, err));
  rem_statement_free(statement);
  rem_session_close(s);
}

static void instants_of_expressions_compare_as_instants(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT role FROM person GROUP BY role HAVING max(born) = '1994-05-01T05:30:00+05:30'", "{\"role\":\"engineer\"}\n");
  expect(s, "SELECT name FROM person WHERE coalesce(born, created_at) < '1990-01-01' ORDER BY name", "{\"name\":\"Bob\"}\n");
  expect(s, "SELECT name FROM person WHERE (born, age) IN (SELECT born, age FROM person WHERE role = 'manager')", "{\"name\":\"Bob\"}\n");
  expect(s, "SELECT name FROM person WHERE (born, age) = (SELECT max(born), 31 FROM person)", "{\"name\":\"Ann\"}\n");
  rem_statement *statement = prepare(s, "SELECT name FROM person WHERE coalesce(born, ?1) = ?1 ORDER BY name");
  const rem_value day = text_value("1994-04-30T18:00:00-06:00");
  OK(rem_statement_bind(statement, 1, &day, err));
  static const char *const names[] = {"Ann", "Cid", "Dee"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
    assert_string_equal(rem_statement_value(statement, 0).text, names[i]);
  }
  assert_int_equal(rem_statement_step(statement, NULL), REM_DONE);
  rem_statement_free(statement);
  rem_session_close(s);
}

static void sqlite_does_the_rest(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT role, count(*) AS n, avg(age) AS a FROM person GROUP BY role ORDER BY n DESC, role",
         "{\"role\":\"engineer\",\"n\":2,\"a\":29.5}\n{\"role\":null,\"n\":1,\"a\":null}\n{\"role\":\"manager\",\"n\":1,\"a\":45.0}\n");
  expect(s, "SELECT a.name, b.name FROM person a JOIN person b ON a.role = b.role WHERE a.name < b.name", "{\"name\":\"Ann\",\"name:1\":\"Cid\"}\n");
  expect(s, "WITH t(n) AS (SELECT name FROM person WHERE age > 30) SELECT n FROM t UNION SELECT 'x' ORDER BY 1", "{\"n\":\"Ann\"}\n{\"n\":\"Bob\"}\n{\"n\":\"x\"}\n");
  expect(s, "SELECT score / 2 AS h FROM person WHERE name = 'Bob'", "{\"h\":2.5}\n");
  expect(s, "SELECT json_extract(extra, '$.k[1]') AS v FROM person WHERE name = 'Ann'", "{\"v\":2}\n");
  rem_session_close(s);
}

static void what_is_not_there_is_an_error(void **state) {
  rem_session *s = open_session(*state);
  rem_error error;
  assert_true(refuse(s, "SELECT nope FROM person", &error) < 0);
  assert_int_equal(error.offset, 7);
  assert_true(refuse(s, "SELECT 1 FROM nothing", NULL) < 0);
  assert_true(refuse(s, "SELECT 1; SELECT 2", &error) < 0);
  assert_int_equal(error.offset, 10);
  assert_true(refuse(s, "CREATE TABLE t(a)", NULL) < 0);
  assert_true(refuse(s, "ATTACH 'x' AS y", NULL) < 0);
  assert_true(refuse(s, "PRAGMA cache_size", NULL) < 0);
  assert_int_equal(refuse(s, "SELECT * FROM search('x', 'person', 'much')", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "SELECT * FROM fuzzy('x', NULL, 'much')", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "SELECT * FROM traverse('x', 'deep')", NULL), REM_INVALID);
  assert_int_equal(refuse(s, "SELECT * FROM traverse('x', 65)", NULL), REM_LIMIT);
  assert_int_equal(refuse(s, "SELECT name FROM person LIMIT 1.5", &error), REM_INVALID);
  assert_string_equal(error.message, "LIMIT and OFFSET are whole numbers");
  expect(s, "SELECT count(*) AS n FROM fuzzy('nothing of that kind', NULL, '0.99')", "{\"n\":0}\n");
  assert_true(refuse(s, "SELECT * FROM sqlite_master", NULL) < 0);
  assert_true(refuse(s, "SELECT _score FROM person", NULL) < 0);
  assert_true(refuse(s, "SELECT load_extension('x')", NULL) < 0);
  rem_session_close(s);
}

static void plans_say_what_is_done(void **state) {
  rem_session *s = open_session(*state);
  static const struct {
    const char *sql, *words;
  } plans[] = {{"SELECT * FROM person WHERE email = 'a'", "key: email = ?"},
               {"SELECT * FROM person WHERE role = 'a' AND score > 1", "index of role: role = ?; filter: score > ?"},
               {"SELECT age FROM person WHERE age > 3", "covering index of age: age > ?"},
               {"SELECT name FROM person WHERE name = 'a'", "all rows; filter: name = ?"},
               {"SELECT name FROM person WHERE id IN ('00000000-0000-0000-0000-00000000000a','00000000-0000-0000-0000-00000000000b')", "id: id IN ?"}};
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    rem_bytes text = {0};
    OK(rem_session_explain(s, plans[i].sql, strlen(plans[i].sql), &text, err));
    if (!strstr(text.data, plans[i].words))
      fail_msg("%s: %s", plans[i].sql, text.data);
    rem_bytes_free(&text);
  }
  rem_session_close(s);
}

/* A plan that used a part of a row value would be carried out once for every value of that part, and of another's. */
static void lists_of_row_values_are_no_filters(void **state) {
  rem_session *s = open_session(*state);
  static const char scan[] = "SELECT email FROM person WHERE (name, score) IN (SELECT name, score FROM person) AND (score, edges) IN (SELECT score, edges FROM person) AND score = 5";
  rem_bytes text = {0};
  OK(rem_session_explain(s, scan, strlen(scan), &text, err));
  assert_non_null(strstr(text.data, "all rows; filter: score = ?\n"));
  rem_bytes_free(&text);
  static const char key[] = "SELECT name FROM person WHERE (email, score) = ANY (SELECT email, score FROM person)";
  OK(rem_session_explain(s, key, strlen(key), &text, err));
  assert_non_null(strstr(text.data, "key: email = ?\n"));
  rem_bytes_free(&text);
  expect(s, scan, "{\"email\":\"bob@x\"}\n");
  expect(s, "SELECT count(*) AS n FROM person WHERE (email, age) = ANY (SELECT email, age FROM person)", "{\"n\":3}\n");
  expect(s, "SELECT p.name FROM person q RIGHT JOIN person p ON p.email = q.email AND q.age > 30 WHERE (p.role, p.age) IN (SELECT role, age FROM person)"
            " AND q.email IS NULL", "{\"name\":\"Cid\"}\n");
  rem_session_close(s);
}

static void parameters_are_bound_by_number_and_name(void **state) {
  rem_session *s = open_session(*state);
  rem_statement *statement;
  static const char sql[] = "SELECT name FROM person WHERE age > :least AND role = ?2";
  OK(rem_session_prepare(s, sql, strlen(sql), &statement, NULL, err));
  assert_int_equal(rem_statement_parameter_count(statement), 2);
  assert_int_equal(rem_statement_parameter_index(statement, "least"), 1);
  rem_value least = {.type = REM_TYPE_INT, .integer = 30}, role = {.type = REM_TYPE_TEXT, .text = "engineer", .text_size = 8};
  OK(rem_statement_bind(statement, 1, &least, err));
  OK(rem_statement_bind(statement, 2, &role, err));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
    rem_value name = rem_statement_value(statement, 0);
    assert_memory_equal(name.text, "Ann", 3);
    assert_int_equal(rem_statement_step(statement, NULL), REM_DONE);
  }
  rem_error error = {0};
  assert_int_equal(rem_statement_bind(statement, 3, &least, &error), REM_UNKNOWN);
  rem_statement_free(statement);
  rem_session_close(s);
}

static void a_changed_schema_is_seen_by_prepared_statements(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  rem_statement *statement;
  static const char sql[] = "SELECT * FROM person WHERE email = 'ann@x'";
  OK(rem_session_prepare(s, sql, strlen(sql), &statement, NULL, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  assert_int_equal(rem_statement_column_count(statement), 15);
  rem_statement_reset(statement);
  char changed[sizeof PERSON + 64];
  snprintf(changed, sizeof changed, "%s", PERSON);
  char *at = strstr(changed, "\"properties\":{");
  char rest[sizeof PERSON];
  strcpy(rest, at + strlen("\"properties\":{"));
  sprintf(at, "\"properties\":{\"city\":{\"type\":\"string\"},%s", rest);
  add_schema(test, changed);
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  assert_int_equal(rem_statement_column_count(statement), 16);
  rem_statement_free(statement);
  rem_session_close(s);
}

/* 1e17 and the integer have one entry in an index: a covered row gives what the record does. */
static void a_large_real_is_a_real_by_every_path(void **state) {
  add_schema(*state, "{\"title\":\"Mass\",\"short_name\":\"mass\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"kg\"],"
                     "\"properties\":{\"code\":{\"type\":\"string\"},\"kg\":{\"type\":\"number\"}},\"required\":[\"code\"]}");
  rem_session *s = open_session(*state);
  do_sql(s, "INSERT INTO mass(code, kg) VALUES ('a', 1e17), ('b', -1e16), ('c', 9e15), ('d', 9007199254740993), ('e', 5)");
  char *expected = run(s, "SELECT kg, typeof(kg) AS t, kg / 3 AS q FROM mass WHERE _doc IS NOT NULL ORDER BY kg");
  expect(s, "SELECT kg, typeof(kg) AS t, kg / 3 AS q FROM mass ORDER BY kg", expected);
  assert_non_null(strstr(expected, "\"t\":\"real\",\"q\":33333333333333332"));
  free(expected);
  rem_session_close(s);
}

static void entities_compare_as_the_statement_says(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT count(*) AS n FROM entities WHERE \"table\" = 'PERSON' COLLATE NOCASE", "{\"n\":4}\n");
  expect(s, "SELECT count(*) AS n FROM entities WHERE \"table\" = 'PERSON'", "{\"n\":0}\n");
  expect(s, "SELECT name FROM entities WHERE id = (SELECT upper(id) FROM person WHERE name = 'Bob') COLLATE NOCASE", "{\"name\":\"Bob\"}\n");
  rem_session_close(s);
}

/* The members of `tables` whose kind is `kind`; the last one's columns in `ret_columns`. */
static size_t count_kind(const json_t *tables, const char *kind, const char *name, const json_t **ret_columns) {
  size_t index, count = 0;
  json_t *table;
  json_array_foreach(tables, index, table) {
    count += strcmp(json_string_value(json_object_get(table, "kind")), kind) == 0;
    if (strcmp(json_string_value(json_object_get(table, "table")), name) == 0) *ret_columns = json_object_get(table, "columns");
  }
  return count;
}

static void the_view_and_the_verbs_are_listed_with_the_tables(void **state) {
  rem_bytes text;
  rem_session *s = open_session(*state);
  OK(rem_session_tables_json(s, &text, err));
  json_t *tables = json_loadb(text.data, text.size, 0, NULL);
  const json_t *columns = NULL;
  assert_int_equal(count_kind(tables, "view", "entities", &columns), 1);
  json_t *deleted = json_array_get(columns, 7);
  assert_string_equal(json_string_value(json_object_get(deleted, "name")), "deleted_at");
  assert_string_equal(json_string_value(json_object_get(deleted, "type")), "instant");
  assert_int_equal(count_kind(tables, "function", "traverse", &columns), 4);
  json_t *depth = json_array_get(columns, 0);
  assert_string_equal(json_string_value(json_object_get(depth, "name")), "depth");
  assert_string_equal(json_string_value(json_object_get(depth, "type")), "integer");
  json_decref(tables);
  rem_bytes_free(&text);
  rem_session_close(s);
}

/* The view has no counter of its own: it is counted row by row, whatever the statement around it. */
static void entities_are_counted(void **state) {
  rem_session *s = open_session(*state);
  expect(s, "SELECT count(*) - (SELECT count(*) FROM schema) AS n FROM entities", "{\"n\":4}\n");
  expect(s, "SELECT n - (SELECT count(*) FROM schema) AS n FROM (SELECT count(*) AS n FROM entities e)", "{\"n\":4}\n");
  rem_session_close(s);
}

/* The view walks tables whose modules a changed schema replaces. */
static void entities_outlive_a_changed_schema(void **state) {
  test_db *test = *state;
  rem_session *s = open_session(test);
  rem_statement *statement;
  static const char sql[] = "SELECT name FROM entities WHERE \"table\" = 'person'";
  OK(rem_session_prepare(s, sql, strlen(sql), &statement, NULL, err));
  assert_int_equal(rem_statement_step(statement, NULL), REM_ROW);
  char changed[sizeof PERSON + 64];
  const char *at = strstr(PERSON, "\"properties\":{") + strlen("\"properties\":{");
  snprintf(changed, sizeof changed, "%.*s\"city\":{\"type\":\"string\"},%s", (int)(at - PERSON), PERSON, at);
  add_schema(test, changed);
  expect(s, "SELECT count(city) AS n FROM person", "{\"n\":0}\n");
  int rows = 1;
  while (rem_statement_step(statement, NULL) == REM_ROW)
    rows++;
  assert_int_equal(rows, 4);
  rem_statement_free(statement);
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(star_gives_fields_and_system_fields_with_their_types, fill, test_teardown),
      cmocka_unit_test_setup_teardown(rows_are_found_by_every_path, fill, test_teardown),
      cmocka_unit_test_setup_teardown(instants_compare_as_instants_in_any_form, fill, test_teardown),
      cmocka_unit_test_setup_teardown(what_can_never_be_equal_is_an_error_with_its_place, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_value_is_looked_at_when_it_is_bound, fill, test_teardown),
      cmocka_unit_test_setup_teardown(lists_and_objects_are_equal_whatever_their_blanks, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_parameter_in_several_places_fits_one_of_them, fill, test_teardown),
      cmocka_unit_test_setup_teardown(instants_of_expressions_compare_as_instants, fill, test_teardown),
      cmocka_unit_test_setup_teardown(sqlite_does_the_rest, fill, test_teardown),
      cmocka_unit_test_setup_teardown(what_is_not_there_is_an_error, fill, test_teardown),
      cmocka_unit_test_setup_teardown(plans_say_what_is_done, fill, test_teardown),
      cmocka_unit_test_setup_teardown(lists_of_row_values_are_no_filters, fill, test_teardown),
      cmocka_unit_test_setup_teardown(parameters_are_bound_by_number_and_name, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_changed_schema_is_seen_by_prepared_statements, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_large_real_is_a_real_by_every_path, test_setup, test_teardown),
      cmocka_unit_test_setup_teardown(entities_compare_as_the_statement_says, fill, test_teardown),
      cmocka_unit_test_setup_teardown(the_view_and_the_verbs_are_listed_with_the_tables, fill, test_teardown),
      cmocka_unit_test_setup_teardown(entities_are_counted, fill, test_teardown),
      cmocka_unit_test_setup_teardown(entities_outlive_a_changed_schema, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
