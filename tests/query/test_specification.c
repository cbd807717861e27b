/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that the specification gives to `db`, as printed, on data that matches them (D20), with the real model; and what goes with them. */
#include "query_test.h"

#define RESOURCE(uri, category, status, content)                                                                                   \
  "{\"uri\":\"" uri "\",\"name\":\"" uri "\",\"category\":\"" category "\",\"status\":\"" status "\",\"content\":\"" content "\"}"

static int fill(void **state) {
  test_setup(state);
  test_db *test = *state;
  rem_bytes list = {0}, schema = {0};
  OK(rem_model_list(test->config, &list, err));
  if (!strstr(list.data, "all-MiniLM-L6-v2"))
    fail_msg("the model is not installed: run 'make model'");
  rem_bytes_free(&list);
  OK(rem_schema_show(test->db, "resources", &schema, err));
  json_t *json = json_loadb(schema.data, schema.size, 0, NULL);
  json_object_set_new(json_object_get(json, "properties"), "status", json_pack("{s:s}", "type", "string"));
  char *text = json_dumps(json, JSON_COMPACT);
  add_schema(test, text);
  free(text);
  json_decref(json);
  rem_bytes_free(&schema);
  add_schema(test, "{\"title\":\"Person\",\"short_name\":\"person\",\"type\":\"object\",\"key_field\":\"email\",\"indexed_fields\":[\"role\"],"
                   "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"}}}");
  put(test, "resources", RESOURCE("file:///python.md", "tutorial", "active", "A tutorial of the Python programming language for beginners."));
  put(test, "resources", RESOURCE("file:///rust.md", "tutorial", "active", "Ownership and borrowing in Rust explained."));
  put(test, "resources", RESOURCE("file:///soup.md", "recipe", "old", "Boil the onions and the carrots for an hour."));
  put(test, "resources", RESOURCE("file:///stock.md", "report", "active", "Resources: a list of all available resources."));
  put(test, "person", "{\"name\":\"Alice\",\"email\":\"alice@company.com\",\"role\":\"engineer\",\"edges\":[\"bob@company.com\"]}");
  put(test, "person", "{\"name\":\"Bobby\",\"email\":\"bob@company.com\",\"role\":\"manager\",\"edges\":[{\"target\":\"carl@company.com\",\"type\":\"knows\"}]}");
  put(test, "person", "{\"name\":\"Carl\",\"email\":\"carl@company.com\",\"role\":\"engineer\"}");
  put(test, "moments", "{\"name\":\"Sprint 42\",\"moment_type\":\"period\",\"start_time\":\"2025-10-01T00:00:00Z\",\"classifications\":[\"sprint\",\"dev\"]}");
  put(test, "moments", "{\"name\":\"Later\",\"moment_type\":\"event\",\"start_time\":\"2025-11-01T00:00:00Z\",\"classifications\":[]}");
  return 0;
}

/* The values of one field of all rows, joined by blanks. */
static void values_are(rem_session *s, const char *sql, const char *field, const char *wanted) {
  char *rows = run(s, sql), found[1024] = "";
  for (char *line = strtok(rows, "\n"); line; line = strtok(NULL, "\n")) {
    json_t *row = json_loads(line, 0, NULL);
    const char *value = json_string_value(json_object_get(row, field));
    snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", *found ? " " : "", value ? value : "?");
    json_decref(row);
  }
  if (strcmp(found, wanted) != 0)
    fail_msg("%s: expected %s, found %s", sql, wanted, found);
  free(rows);
}

/* The best row, and how many there are. */
static void ranks(rem_session *s, const char *sql, const char *best, int count) {
  char *rows = run(s, sql);
  int found = 0;
  for (const char *p = rows; (p = strchr(p, '\n')) != NULL; p++)
    found++;
  char *end = strchr(rows, '\n');
  assert_int_equal(found, count);
  *end = 0;
  assert_non_null(strstr(rows, best));
  free(rows);
}

static void every_statement_runs_as_printed(void **state) {
  rem_session *s = open_session(*state);
  values_are(s, "SELECT * FROM resources WHERE category = 'tutorial'", "uri", "file:///rust.md file:///python.md");
  values_are(s, "SELECT * FROM resources WHERE category = 'tutorial' LIMIT 10", "uri", "file:///rust.md file:///python.md");
  ranks(s, "SELECT * FROM resources WHERE embedding.cosine('Python programming') LIMIT 10", "file:///python.md", 4);
  ranks(s, "SELECT * FROM resources WHERE embedding.cosine('Python tutorials') LIMIT 10", "file:///python.md", 4);
  values_are(s, "SELECT * FROM resources WHERE status = 'active' AND created_at >= '2025-10-17' AND embedding.cosine('resources') > 0.7 LIMIT 20", "uri",
             "file:///stock.md");
  values_are(s, "SELECT * FROM resources WHERE status = 'active' LIMIT 1", "status", "active");
  values_are(s, "SELECT * FROM resources WHERE category = 'tutorial' AND uri LIKE '%python%'", "uri", "file:///python.md");
  values_are(s, "SELECT name FROM person WHERE role = 'engineer' ORDER BY name", "name", "Alice Carl");
  values_are(s, "SELECT * FROM moment WHERE start_time >= '2025-10-01' AND start_time < '2025-11-01'", "name", "Sprint 42");
  values_are(s, "SELECT * FROM moment WHERE 'sprint' = ANY(classifications)", "name", "Sprint 42");
  values_are(s, "SELECT * FROM entities WHERE name LIKE '%bob%'", "name", "Bobby");
  rem_session_close(s);
}

static void searches_combine_with_the_rest(void **state) {
  rem_session *s = open_session(*state);
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine('cooking vegetables') LIMIT 1", "uri", "file:///soup.md");
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine('cooking vegetables') AND category = 'tutorial' LIMIT 5", "uri",
             "file:///python.md file:///rust.md");
  expect(s, "SELECT count(*) AS n FROM resources WHERE embedding.cosine('cooking') LIMIT 2", "{\"n\":2}\n");
  values_are(s, "SELECT r.uri FROM resources r ORDER BY r.embedding.cosine('cooking vegetables') DESC LIMIT 1", "uri", "file:///soup.md");
  values_are(s, "SELECT uri FROM resources WHERE embedding.l2('cooking vegetables') LIMIT 1", "uri", "file:///soup.md");
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine((SELECT embedding FROM resources WHERE uri = 'file:///rust.md')) LIMIT 1", "uri", "file:///rust.md");
  char *row = run(s, "SELECT * FROM resources WHERE embedding.cosine('cooking') LIMIT 1");
  assert_non_null(strstr(row, "\"_score\":0."));
  free(row);
  assert_true(refuse(s, "SELECT * FROM person WHERE embedding.cosine('x')", NULL) < 0);
  rem_session_close(s);
}

static void a_transaction_finds_what_it_wrote(void **state) {
  rem_session *s = open_session(*state);
  do_sql(s, "BEGIN");
  do_sql(s, "INSERT INTO resources(uri, name, content) VALUES ('file:///new.md', 'n', 'Peel the potatoes and fry them in butter.')");
  do_sql(s, "UPDATE resources SET content = 'The night train to Vienna.' WHERE uri = 'file:///soup.md'");
  do_sql(s, "DELETE FROM resources WHERE uri = 'file:///stock.md'");
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine('frying potatoes') LIMIT 1", "uri", "file:///new.md");
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine('railway') LIMIT 1", "uri", "file:///soup.md");
  expect(s, "SELECT count(*) AS n FROM resources WHERE embedding.cosine('x') > -2", "{\"n\":4}\n");
  values_are(s, "SELECT key FROM search('frying potatoes') LIMIT 1", "key", "file:///new.md:0");
  static const char *const searches[] = {"SELECT \"table\", key, round(score, 4) AS score FROM search('potatoes')",
                                         "SELECT \"table\", key FROM search('potatoes', 'resources', 0.1)", "SELECT key FROM search('stock', 'resources')",
                                         "SELECT uri FROM resources WHERE embedding.cosine('a train') LIMIT 3", "SELECT count(*) AS n FROM search('potatoes', NULL, 0.9)"};
  char *inside[5];
  for (size_t i = 0; i < 5; i++)
    inside[i] = run(s, searches[i]);
  assert_int_equal(refuse(s, "SELECT * FROM search('x', 'person')", NULL), REM_INVALID);
  do_sql(s, "COMMIT");
  /* What it found in itself is what is found when it is committed. */
  for (size_t i = 0; i < 5; i++) {
    expect(s, searches[i], inside[i]);
    free(inside[i]);
  }
  values_are(s, "SELECT uri FROM resources WHERE embedding.cosine('frying potatoes') LIMIT 1", "uri", "file:///new.md");
  rem_session_close(s);
  check_whole(*state);
}

static void verbs_are_statements_and_tables(void **state) {
  rem_session *s = open_session(*state);
  values_are(s, "LOOKUP 'alice@company.com', 'Sprint 42'", "table", "person moments");
  values_are(s, "LOOKUP 'file:///python.md'", "match", "uri");
  values_are(s, "SELECT p.name FROM lookup('carl@company.com') l JOIN person p ON p.id = l.id", "name", "Carl");
  values_are(s, "SEARCH 'python programming' IN resources LIMIT 1", "uri", "file:///python.md");
  values_are(s, "SELECT key FROM search('python programming') LIMIT 1", "key", "file:///python.md:0");
  values_are(s, "FUZZY 'alice@compani.com' LIMIT 1", "key", "alice@company.com");
  values_are(s, "TRAVERSE FROM 'alice@company.com' DEPTH 2", "key", "bob@company.com carl@company.com");
  values_are(s, "TRAVERSE FROM 'carl@company.com' DEPTH 1 DIRECTION in", "key", "bob@company.com");
  values_are(s, "SELECT key FROM traverse('bob@company.com', 1, 'out', 'knows')", "key", "carl@company.com");
  expect(s, "SELECT p.name, t.depth FROM traverse('alice@company.com', 3) t JOIN person p ON p.id = t.id ORDER BY depth",
         "{\"name\":\"Bobby\",\"depth\":1}\n{\"name\":\"Carl\",\"depth\":2}\n");
  values_are(s, "SELECT \"table\" FROM entities WHERE key = 'bob@company.com'", "table", "person");
  values_are(s, "SELECT name FROM entities WHERE id = (SELECT id FROM person WHERE name = 'Carl')", "name", "Carl");
  expect(s, "SELECT count(*) AS n FROM entities WHERE \"table\" = 'person'", "{\"n\":3}\n");
  expect(s, "SELECT name FROM schema WHERE category = 'user'", "{\"name\":\"person\"}\n");
  rem_session_close(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_statement_runs_as_printed, fill, test_teardown),
      cmocka_unit_test_setup_teardown(searches_combine_with_the_rest, fill, test_teardown),
      cmocka_unit_test_setup_teardown(a_transaction_finds_what_it_wrote, fill, test_teardown),
      cmocka_unit_test_setup_teardown(verbs_are_statements_and_tables, fill, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
