/* SPDX-License-Identifier: Apache-2.0 */
/* What is compared with what (D35): mistakes at their byte, parameters as demands, instants as instants; and never a word against a statement that makes sense. */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialect_fixture.h"

static rem_dialect *dialect;
static rem_error err;

static int set_up(void **state) {
  (void)state;
  err = (rem_error){0};
  return rem_dialect_new(&dialect, &err);
}
static int tear_down(void **state) {
  (void)state;
  rem_dialect_free(dialect);
  return 0;
}

static const struct {
  const char *text; /* the caret stands at ^, which is no part of it */
  const char *message, *hint;
} mistakes[] = {
    {"SELECT * FROM files WHERE size_bytes = ^'big'", "'size_bytes' is a number, and 'big' is none", "compare it with a number; CAST(size_bytes AS TEXT) is its text"},
    {"SELECT * FROM files WHERE ^'big' < size_bytes", "'size_bytes' is a number, and 'big' is none", "compare it with a number; CAST(size_bytes AS TEXT) is its text"},
    {"SELECT * FROM files f WHERE f.size_bytes <> ^''", "'f.size_bytes' is a number, and '' is none", "compare it with a number; CAST(f.size_bytes AS TEXT) is its text"},
    {"SELECT * FROM files WHERE size_bytes IS NOT ^'1.5.2'", "'size_bytes' is a number, and '1.5.2' is none", NULL},
    {"SELECT * FROM files WHERE size_bytes IS NOT DISTINCT FROM ^'x'", "'size_bytes' is a number, and 'x' is none", NULL},
    {"SELECT * FROM files WHERE NOT size_bytes = ^('big')", "'size_bytes' is a number, and 'big' is none", NULL},
    {"SELECT * FROM files WHERE name = ^5", "'name' is text, and 5 is none", "write it as text, '5', or compare CAST(name AS NUMERIC)"},
    {"SELECT * FROM files WHERE name >= ^-5.5", "'name' is text, and -5.5 is none", "write it as text, '-5.5', or compare CAST(name AS NUMERIC)"},
    {"SELECT * FROM files WHERE name = ^TRUE", "'name' is text, and TRUE is none", NULL},
    {"SELECT * FROM files WHERE name = ^x'41'", "'name' is text, and x'41' is none", "compare it with a text in single quotes"},
    {"SELECT * FROM person WHERE active = ^'yes'", "'active' is true or false, and 'yes' is neither", "compare it with TRUE or FALSE, without quotes"},
    {"SELECT * FROM person WHERE active = ^'true'", "'active' is true or false, and 'true' is neither", "compare it with TRUE or FALSE, without quotes"},
    {"SELECT * FROM moments WHERE start_time > ^'yesterday'", "'start_time' is a date-time, and 'yesterday' is none", "write it as '2025-10-01', or '2025-10-01T09:00:00Z'"},
    {"SELECT * FROM moments WHERE start_time > ^2025", "'start_time' is a date-time, and 2025 is none", NULL},
    {"SELECT * FROM moments WHERE start_time BETWEEN '2025-01-01' AND ^'soon'", "'start_time' is a date-time, and 'soon' is none", NULL},
    {"SELECT * FROM moments WHERE start_time NOT BETWEEN ^'then' AND '2025-01-01' AND name = 'x'", "'start_time' is a date-time, and 'then' is none", NULL},
    {"SELECT * FROM files WHERE name = 'a' AND size_bytes IN (1, 2, ^'many', 3)", "'size_bytes' is a number, and 'many' is none", NULL},
    {"SELECT * FROM files WHERE name NOT IN ('a', ^7)", "'name' is text, and 7 is none", NULL},
    {"SELECT * FROM person WHERE id = ^'alice'", "'id' is an id, and 'alice' is none",
     "ids are written as '2b8afd88-062a-960f-575f-889fe1f87678'; LOOKUP 'key' finds a row by its key or name"},
    {"SELECT * FROM person WHERE id = ^'2B8AFD88-062A-960F-575F-889FE1F87678'", "'id' is an id, and '2B8AFD88-062A-960F-575F-889FE1F87678' is none", NULL},
    {"SELECT * FROM resources WHERE tags = ^'red'", "'tags' is a list, and 'red' is none", "'red' = ANY(tags) looks into a list"},
    {"SELECT * FROM resources WHERE tags = ^'[1,'", "'tags' is a list, and '[1,' is none", NULL},
    {"SELECT * FROM resources WHERE tags > ^3", "'tags' is a list, and 3 is none", "json_array_length(tags) is how many it has"},
    {"SELECT * FROM resources WHERE metadata = ^'red'", "'metadata' is an object, and 'red' is none", "metadata ->> 'name' is a field of it"},
    {"SELECT * FROM resources WHERE _doc = ^5", "'_doc' is an object, and 5 is none", NULL},
    {"SELECT * FROM files WHERE size_bytes IN (VALUES (1), (^'many'))", "'size_bytes' is a number, and 'many' is none", NULL},
    /* What is written. */
    {"INSERT INTO files (name, size_bytes) VALUES ('a', 1), ('b', ^'2')", "'size_bytes' is a number, and '2' is none", "write the number without quotes: 2"},
    {"INSERT INTO files (name, size_bytes) VALUES (^5, 1)", "'name' is text, and 5 is none", "write it as text: '5'"},
    {"INSERT INTO files VALUES ('u', 'n', 't', ^'many')", "'size_bytes' is a number, and 'many' is none", "write a number, or NULL for none"},
    {"REPLACE INTO person (active) VALUES (^2)", "'active' is true or false, and 2 is neither", "write TRUE or FALSE, without quotes"},
    {"UPDATE moments SET name = 'x', start_time = ^'soon' WHERE name = 'y'", "'start_time' is a date-time, and 'soon' is none", NULL},
    {"UPDATE resources SET tags = ^'red'", "'tags' is a list, and 'red' is none", "lists are written as JSON: '[\"a\", \"b\"]'"},
    {"UPDATE resources SET metadata = ^'[]'", "'metadata' is an object, and '[]' is none", "objects are written as JSON: '{\"name\": 1}'"},
    {"UPDATE resources SET content = ^x'00'", "'content' is text, and x'00' is none", "a blob cannot be stored; store it as text, hex() or base64 for example"},
    /* What has no parts. */
    {"SELECT * FROM files WHERE 5 = ANY(^size_bytes)", "'size_bytes' is a number, and ANY looks into a list", "a list is a column of type array, a JSON array, or a parameter that holds one"},
    {"SELECT * FROM resources r WHERE 'a' <> ALL(^r.metadata)", "'r.metadata' is an object, and ALL looks into a list", NULL},
    {"SELECT size_bytes^[0] FROM files", "'size_bytes' is a number, and has no [0]", "lists have [0], [-1], objects ['key']"},
    {"SELECT tags^['a'] FROM resources", "'tags' is a list, and has no ['a']", "a list has [0], [-1]"},
    {"SELECT metadata^[0] FROM resources", "'metadata' is an object, and has no [0]", "an object has ['key']"},
    {"SELECT f.size_bytes ^->> 'a' FROM files f", "'f.size_bytes' is a number, and has no parts", "->> reads the parts of lists and objects"},
    {"SELECT 1 FROM moments WHERE 'x' = max(start_time) ^-> 'a'", "'max(start_time)' is a date-time, and has no parts", "-> reads the parts of lists and objects"},
    /* Expressions have no affinity: '5' is a text to them. */
    {"SELECT count(*) FROM files GROUP BY status HAVING count(*) > ^'5'", "'count(*)' is a number, and '5' is none", "write the number without quotes: 5"},
    {"SELECT status FROM files GROUP BY status HAVING max(size_bytes) = ^'x'", "'max(size_bytes)' is a number, and 'x' is none", NULL},
    {"SELECT * FROM moments WHERE strftime('%Y', start_time) = ^2025", "'strftime('%Y', start_time)' is text, and 2025 is none", NULL},
    {"SELECT max(start_time) > ^'soon' FROM moments", "'max(start_time)' is a date-time, and 'soon' is none", NULL},
    {"SELECT sum(size_bytes) OVER (ORDER BY name) < ^'x' FROM files", "'sum(size_bytes) OVER (ORDER BY name)' is a number, and 'x' is none", NULL},
    {"SELECT sum(size_bytes) FILTER (WHERE name = 'a') OVER w < ^'x' FROM files WINDOW w AS (ORDER BY name)",
     "'sum(size_bytes) FILTER (WHERE name = 'a') OVER w' is a number, and 'x' is none", NULL},
    /* Where names lead. */
    {"SELECT * FROM person p JOIN files f ON f.name = p.name AND f.size_bytes > ^'x'", "'f.size_bytes' is a number, and 'x' is none", NULL},
    {"SELECT * FROM person p LEFT JOIN files f ON size_bytes > ^'x' AND f.name = p.name", "'size_bytes' is a number, and 'x' is none", NULL},
    {"SELECT (SELECT 1 FROM files WHERE uri = r.uri AND r.ordinal = ^'x') FROM resources r", "'r.ordinal' is a number, and 'x' is none", NULL},
    {"SELECT * FROM (SELECT size_bytes AS n FROM files) WHERE n = ^'x'", "'n' is a number, and 'x' is none", NULL},
    {"WITH f AS (SELECT * FROM files) SELECT * FROM f WHERE f.size_bytes = ^'x'", "'f.size_bytes' is a number, and 'x' is none", NULL},
    {"WITH f(a, b) AS (SELECT name, count(*) FROM files GROUP BY name) SELECT * FROM f WHERE b = ^'x'", "'b' is a number, and 'x' is none", NULL},
    {"SELECT size_bytes AS n FROM files WHERE n = ^'x'", "'n' is a number, and 'x' is none", NULL},
    {"UPDATE files SET name = 'x' WHERE size_bytes = ^'x'", "'size_bytes' is a number, and 'x' is none", NULL},
    {"UPDATE files SET name = 'x', status = iif(size_bytes = ^'x', 'a', 'b')", "'size_bytes' is a number, and 'x' is none", NULL},
    {"DELETE FROM files WHERE size_bytes = ^'x'", "'size_bytes' is a number, and 'x' is none", NULL},
    {"INSERT INTO person (name) SELECT name FROM files WHERE size_bytes = ^'x'", "'size_bytes' is a number, and 'x' is none", NULL},
    {"SELECT CASE size_bytes WHEN 1 THEN 'x' WHEN ^'many' THEN 'y' ELSE 'z' END FROM files", "'size_bytes' is a number, and 'many' is none", NULL},
    {"SELECT CASE WHEN size_bytes = ^'x' THEN 1 END FROM files", "'size_bytes' is a number, and 'x' is none", NULL},
    {"SELECT name FROM resources WHERE embedding.cosine('a') AND ordinal = ^'x' LIMIT 3", "'ordinal' is a number, and 'x' is none", NULL},
    {"SEARCH 'text' IN resources WHERE ordinal = ^'x'", "'ordinal' is a number, and 'x' is none", NULL},
    {"EXPLAIN SELECT * FROM files WHERE size_bytes = ^'x'", "'size_bytes' is a number, and 'x' is none", NULL},
};

static void mistakes_are_refused_at_their_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    char text[256];
    rem_dialect_statement statement;
    size_t at = strcspn(mistakes[i].text, "^");
    snprintf(text, sizeof text, "%.*s%s", (int)at, mistakes[i].text, mistakes[i].text + at + 1);
    err = (rem_error){0};
    if (rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err) != REM_INVALID)
      fail_msg("%s\ngave %d: %s", text, err.code, err.message);
    assert_string_equal(err.message, mistakes[i].message);
    if (mistakes[i].hint)
      assert_string_equal(err.hint, mistakes[i].hint);
    if (err.offset != (int64_t)at)
      fail_msg("%s\nat %d instead of %zu", text, (int)err.offset, at);
    assert_true(err.hint[0] != 0);
  }
}

/* Each is left as it is. */
static const char *const sensible[] = {
    "SELECT * FROM files WHERE size_bytes = '5' OR size_bytes = ' -1.5e3 ' OR size_bytes > 2.5 OR size_bytes = TRUE",
    "SELECT * FROM files WHERE size_bytes = NULL OR size_bytes IS NULL OR size_bytes IS NOT NULL OR size_bytes IN (NULL, 1) OR name IS NULL",
    "SELECT * FROM person WHERE active = TRUE OR active = 1 OR active = '0' OR active IS TRUE OR name IS NOT FALSE",
    "SELECT * FROM moments WHERE start_time > '2025-10-17T11:00:00+02:00' AND end_time BETWEEN '2025-10-17' AND '2025-10-18 09:00'",
    "SELECT * FROM moments WHERE start_time > datetime('now', '-1 day')",
    "SELECT * FROM person WHERE id > '' AND id = '2b8afd88-062a-960f-575f-889fe1f87678' AND id LIKE '2b8a%'",
    "SELECT * FROM resources WHERE tags = '[\"a\"]' AND metadata = ' {}' AND tags <> '[]'",
    "SELECT * FROM files WHERE name = 'a' || 5",
    "SELECT * FROM files WHERE name || 'x' = 5",
    "SELECT * FROM files WHERE size_bytes || '' = 'x'",
    "SELECT * FROM files WHERE 1 + size_bytes = 'x'",
    "SELECT * FROM files WHERE size_bytes = 'x' || 'y'",
    "SELECT * FROM files WHERE size_bytes = 'x' COLLATE nocase",
    "SELECT * FROM files WHERE 1 BETWEEN 0 AND size_bytes = 'x'",
    "SELECT * FROM files WHERE 1 IS NOT size_bytes = 'x'",
    "SELECT * FROM files WHERE 0 = size_bytes = 'x'",
    "SELECT * FROM files WHERE (name, size_bytes) = ('x', 5)",
    "SELECT * FROM files WHERE (name, size_bytes) > ('x', 5) ORDER BY name, size_bytes",
    "SELECT * FROM files WHERE CAST(size_bytes AS TEXT) = 'x' AND CAST(name AS INTEGER) = 5",
    "SELECT * FROM files WHERE size_bytes LIKE '5%' AND name GLOB 5",
    "SELECT * FROM files WHERE name = lower(5) AND size_bytes = lower('x')",
    /* Names that are not what they seem. */
    "SELECT * FROM files a, resources b WHERE name = 5",
    "SELECT * FROM files JOIN resources USING (name) WHERE name = 5",
    "WITH files AS (SELECT 'x' AS size_bytes) SELECT * FROM files WHERE size_bytes = 'x'",
    "WITH f AS (SELECT 'x' AS size_bytes) SELECT * FROM f WHERE f.size_bytes = 'x'",
    "WITH RECURSIVE f(size_bytes) AS (SELECT 'x' UNION ALL SELECT size_bytes || 'x' FROM f WHERE size_bytes = 'x') SELECT * FROM f WHERE size_bytes = 'x'",
    "SELECT * FROM (SELECT CAST(size_bytes AS TEXT) AS size_bytes FROM files) WHERE size_bytes = 'x'",
    "SELECT * FROM (SELECT 'x' AS size_bytes) f, files WHERE f.size_bytes = 'x'",
    "SELECT * FROM files, json_each('[5]') AS size_bytes WHERE value = 'x' AND size_bytes.value = 'x'",
    "SELECT name AS size_bytes, (SELECT max(size_bytes) = 'x' FROM (SELECT name AS size_bytes FROM person)) FROM person",
    "SELECT name FROM files UNION SELECT size_bytes FROM files ORDER BY name = 5",
    "SELECT x = 5 FROM (SELECT name AS x FROM files UNION ALL SELECT size_bytes FROM files)",
    "UPDATE files SET name = 'x' = 'x', size_bytes = size_bytes + 1, status = lower(7)",
    "INSERT INTO files (name, size_bytes, uri) VALUES ('5', NULL, 5 || ''), (?, ?, :x)",
    "INSERT INTO person (id, active) VALUES ('2B8AFD88-062A-960F-575F-889FE1F87678', 1), (NULL, FALSE)",
    "INSERT INTO resources (tags, metadata, name) VALUES ('[]', ' {\"a\": 1}', 'n'), ('null', 'null', 'n'), (json_array(1), json('{}'), upper('n'))",
    "INSERT INTO moments (start_time, name) VALUES ('2025-10-17', 'a'), ('2025-10-17T09:00:00+02:00', 'b')",
    "INSERT INTO files (name) SELECT 5",
    "INSERT INTO files (name) WITH x AS (SELECT 5) SELECT * FROM x",
    "INSERT INTO person DEFAULT VALUES",
    "SELECT coalesce(size_bytes, 'none') = 'none', max(name, 5) = 5, iif(active, size_bytes, name) = 'x' FROM files, person",
    "SELECT name ->> 'a', content[0], metadata -> 'a' ->> 'b', _doc ->> '$.x', tags -> 0, '[1]' -> 0 FROM resources WHERE 'x' = ANY(tags) OR 'x' = ANY(content)",
    "SELECT size_bytes || '' ->> 'x', 1 - size_bytes, -size_bytes FROM files WHERE size_bytes IN (VALUES (1), (NULL), ('2'))",
    "SELECT tags[0] = 5, metadata['a'] = 'x' FROM resources WHERE metadata ->> 'a' = 5",
    "SELECT CASE size_bytes WHEN '1' THEN 5 WHEN NULL THEN 6 WHEN 1 + 1 THEN name END, CASE name WHEN 'a' THEN 1 ELSE 2 END, CASE size_bytes || '' WHEN 'x' THEN 1 END FROM files",
    "SELECT * FROM lookup('x') WHERE \"table\" = 5 AND key = 5",
    "SEARCH 'x' WHERE score > 'x'",
};

static void statements_that_make_sense_are_left_alone(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sensible / sizeof sensible[0]; i++) {
    rem_dialect_statement statement;
    err = (rem_error){0};
    if (rem_dialect_rewrite(dialect, sensible[i], strlen(sensible[i]), &fixture_catalog, &statement, &err) != REM_OK)
      fail_msg("%s\n%s", sensible[i], err.message);
    if (memmem(statement.sql, statement.sql_size, "COLLATE rem_instant", 19))
      fail_msg("%s\nbecame %.*s", sensible[i], (int)statement.sql_size, statement.sql);
  }
}

/* ------------------------------------------------------------------------------------------- */

static const struct {
  const char *text, *sql;
} instants[] = {
    {"SELECT 1 FROM moments GROUP BY name HAVING max(start_time) > '2025-01-01'",
     "SELECT 1 FROM moments GROUP BY name HAVING max(start_time) COLLATE rem_instant > '2025-01-01'"},
    {"SELECT 1 FROM moments GROUP BY name HAVING ? < min(start_time)", "SELECT 1 FROM moments GROUP BY name HAVING ?1 COLLATE rem_instant < min(start_time)"},
    {"SELECT name FROM moments WHERE coalesce(end_time, start_time) BETWEEN ? AND :b",
     "SELECT name FROM moments WHERE coalesce(end_time, start_time) COLLATE rem_instant BETWEEN ?1 AND ?2"},
    {"SELECT coalesce(end_time, '2025-01-01T05:00:00+05:00') FROM moments",
     "SELECT coalesce(end_time, '2025-01-01T00:00:00.000000Z') AS \"coalesce(end_time, '2025-01-01T05:00:00+05:00')\" FROM moments"},
    {"SELECT coalesce(end_time, :t) AS e FROM moments WHERE name = :n", "SELECT coalesce(end_time, _rem_instant(?1)) AS e FROM moments WHERE name = ?2"},
    {"SELECT CASE name WHEN 'a' THEN start_time WHEN 'b' THEN NULL ELSE '2025-01-01' END AS e FROM moments",
     "SELECT CASE name WHEN 'a' THEN start_time WHEN 'b' THEN NULL ELSE '2025-01-01T00:00:00.000000Z' END AS e FROM moments"},
    {"SELECT coalesce(end_time, 'never') AS e FROM moments WHERE coalesce(end_time, 'never') = 'never'", NULL},
    {"SELECT m FROM (SELECT max(start_time) AS m FROM moments) WHERE m IN ('2025-01-01')",
     "SELECT m FROM (SELECT max(start_time) AS m FROM moments) WHERE m COLLATE rem_instant IN ('2025-01-01')"},
    {"SELECT name FROM moments WHERE start_time = (SELECT max(start_time) FROM moments)", NULL},
    {"SELECT name FROM moments WHERE start_time > '2025-01-01' AND created_at = ?", NULL},
    /* Lists and objects likewise, as they are stored. */
    {"SELECT name FROM resources WHERE tags = '[ \"it''s\", 1.50 ]' OR (metadata) = ('{ }') OR tags IN ('[]', '[ ]')",
     "SELECT name FROM resources WHERE tags = '[\"it''s\",1.5]' OR (metadata) = ('{}') OR tags IN ('[]', '[]')"},
    {"SELECT name FROM moments WHERE '2025-01-01' < (SELECT max(start_time) FROM moments)",
     "SELECT name FROM moments WHERE '2025-01-01' COLLATE rem_instant < (SELECT max(start_time) FROM moments)"},
};

static void instants_in_expressions_get_their_collation(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
    rem_dialect_statement statement;
    const char *text = instants[i].text, *expected = instants[i].sql ? instants[i].sql : text;
    if (rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err) != REM_OK)
      fail_msg("%s\n%s", text, err.message);
    if (statement.sql_size != strlen(expected) || memcmp(statement.sql, expected, statement.sql_size) != 0)
      fail_msg("%s\nbecame  %.*s\ninstead %s", text, (int)statement.sql_size, statement.sql, expected);
  }
}

/* ------------------------------------------------------------------------------------------- */

static void parameters_are_demands(void **state) {
  (void)state;
  static const char text[] = "SELECT * FROM files WHERE size_bytes > :least AND name = ? AND id IN (?, :least) AND status = lower(:s) AND (?9) <> chunk_count";
  rem_dialect_statement s;
  assert_int_equal(rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &s, &err), REM_OK);
  static const struct {
    uint32_t parameter;
    rem_dialect_type type;
    bool ordered;
    const char *what, *at;
  } wanted[] = {{1, REM_DIALECT_NUMBER, true, "size_bytes", ":least AND"},
                {2, REM_DIALECT_TEXT, false, "name", "? AND id"},
                {3, REM_DIALECT_UUID, false, "id", "?, :least"},
                {1, REM_DIALECT_UUID, false, "id", ":least) AND"},
                {9, REM_DIALECT_NUMBER, false, "chunk_count", "(?9)"}};
  assert_int_equal(s.demand_count, sizeof wanted / sizeof wanted[0]);
  for (size_t i = 0; i < s.demand_count; i++) {
    assert_int_equal(s.demands[i].parameter, wanted[i].parameter);
    assert_int_equal(s.demands[i].type, wanted[i].type);
    assert_int_equal(s.demands[i].ordered, wanted[i].ordered);
    assert_true(s.demands[i].converts);
    assert_int_equal(s.demands[i].what_size, strlen(wanted[i].what));
    assert_memory_equal(s.demands[i].what, wanted[i].what, s.demands[i].what_size);
    assert_ptr_equal(text + s.demands[i].offset, strstr(text, wanted[i].at));
  }
}

static void a_whole_number_is_a_text_where_it_is_bound_for_equality(void **state) {
  (void)state;
  const rem_dialect_constant five = {REM_DIALECT_CONSTANT_INTEGER, "5", 1}, half = {REM_DIALECT_CONSTANT_REAL, "0.5", 3};
  rem_dialect_demand demand = {.parameter = 1, .type = REM_DIALECT_TEXT, .converts = true};
  assert_true(rem_dialect_fits(&demand, &five));
  assert_false(rem_dialect_fits(&demand, &half));
  demand.ordered = true; /* '10' is before '5' */
  assert_false(rem_dialect_fits(&demand, &five));
  demand = (rem_dialect_demand){.parameter = 1, .type = REM_DIALECT_TEXT, .what = "lower(name)", .what_size = 11, .offset = 7};
  assert_false(rem_dialect_fits(&demand, &five)); /* nothing makes a text of it there */
  err = (rem_error){0};
  assert_int_equal(rem_dialect_refuse(&demand, &five, ":x", &err), REM_INVALID);
  assert_string_equal(err.message, "'lower(name)' is text, and parameter :x, 5, is none");
  assert_string_equal(err.hint, "bind it as text; on the command line: \"5\", with its double quotes");
  assert_int_equal(err.offset, 7);
}

/* Work is bounded: what is beyond the budget is taken for anything. */
static void names_that_lead_to_names_without_end_cost_little(void **state) {
  (void)state;
  static char text[64000];
  size_t size = (size_t)snprintf(text, sizeof text, "WITH c0 AS (SELECT start_time AS t FROM moments)");
  for (int i = 1; i < 150; i++)
    size += (size_t)snprintf(text + size, sizeof text - size, ", c%d AS (SELECT coalesce(t, t) AS t, max(t, t) AS u FROM c%d)", i, i - 1);
  size += (size_t)snprintf(text + size, sizeof text - size, " SELECT * FROM c149 WHERE t > 'x'");
  rem_dialect_statement statement;
  assert_int_equal(rem_dialect_rewrite(dialect, text, size, &fixture_catalog, &statement, &err), REM_OK);
}

/* SQLite will say that they are circular; before, nothing may go round with them, and not in each of several tables at once. */
static void queries_that_name_themselves_end(void **state) {
  (void)state;
  static const char *const texts[] = {
      "WITH d AS (SELECT * FROM d) SELECT * FROM d WHERE x IS NULL",
      "WITH d AS (SELECT * FROM d WHERE y = 1) SELECT * FROM d WHERE deleted_at = 'x'",
      "WITH d AS (SELECT * FROM d, d a, d b, d c) SELECT * FROM d WHERE x > 5",
      "WITH RECURSIVE d(x) AS (SELECT coalesce(x, x, x, x) FROM d) SELECT * FROM d WHERE x > 5",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    rem_dialect_statement s;
    rem_status status = rem_dialect_rewrite(dialect, texts[i], strlen(texts[i]), &fixture_catalog, &s, &err);
    if (status != REM_OK) fail_msg("%zu: %s", i, err.message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(mistakes_are_refused_at_their_byte, set_up, tear_down),
      cmocka_unit_test_setup_teardown(statements_that_make_sense_are_left_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(instants_in_expressions_get_their_collation, set_up, tear_down),
      cmocka_unit_test_setup_teardown(parameters_are_demands, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_whole_number_is_a_text_where_it_is_bound_for_equality, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_that_lead_to_names_without_end_cost_little, set_up, tear_down),
      cmocka_unit_test_setup_teardown(queries_that_name_themselves_end, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
