/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the dialect and the SQL they become, one by one. */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialect_fixture.h"

static const struct {
  const char *text, *sql; /* NULL: the text itself */
} rewrites[] = {
    {"SELECT r.category, count(f.id) FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE r.category = 'a' AND ordinal > 3 AND r.embedding.cosine('q') GROUP BY 1 LIMIT 5",
     "SELECT r.category, count(f.id) FROM (SELECT * FROM resources r WHERE r._cosine = 'q' AND (r.category = 'a' AND ordinal > 3 AND 1) ORDER BY r._score DESC LIMIT 5) AS r LEFT JOIN files f ON f.uri = r.uri WHERE r.category = 'a' AND ordinal > 3 AND 1 GROUP BY 1 "},
    {"SELECT r.category, count(f.id) FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE f.status = 'x' AND r.embedding.cosine('q') GROUP BY 1",
     "SELECT r.category, count(f.id) FROM (SELECT * FROM resources r WHERE r._cosine = 'q' AND r.id IN (SELECT r.id FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE f.status = 'x' AND 1) ORDER BY r._score DESC LIMIT 10) AS r LEFT JOIN files f ON f.uri = r.uri WHERE f.status = 'x' AND 1 GROUP BY 1"},
    {"SELECT count(*) FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE embedding.cosine('q') AND embedding.cosine('q') > 0.5",
     "SELECT count(*) FROM (SELECT * FROM resources r WHERE r._cosine = 'q' AND r._min_score = 0.5 AND r._score > 0.5 AND (1 AND 1) ORDER BY r._score DESC LIMIT 10) AS r LEFT JOIN files f ON f.uri = r.uri WHERE 1 AND 1"},
    {"SELECT * FROM resources WHERE category = 'tutorial'",
     NULL},
    {"SELECT * FROM resources WHERE embedding.cosine('Python programming') LIMIT 10",
     "SELECT *, resources._score FROM resources WHERE (resources._cosine = 'Python programming') ORDER BY resources._score DESC LIMIT 10"},
    {"SELECT * FROM resources WHERE status = 'active' AND created_at >= '2025-10-17' AND embedding.cosine('resources') > 0.7 LIMIT 20",
     "SELECT *, resources._score FROM resources WHERE status = 'active' AND created_at >= '2025-10-17' AND (resources._cosine = 'resources' AND resources._min_score = 0.7 AND resources._score > 0.7) ORDER BY resources._score DESC LIMIT 20"},
    {"SELECT * FROM moment WHERE start_time >= '2025-10-01' AND start_time < '2025-11-01'",
     "SELECT * FROM \"moments\" AS moment WHERE start_time >= '2025-10-01' AND start_time < '2025-11-01'"},
    {"SELECT * FROM moment WHERE 'sprint' = ANY(classifications)",
     "SELECT * FROM \"moments\" AS moment WHERE _rem_has(classifications, 'sprint')"},
    {"SELECT * FROM entities WHERE name LIKE '%bob%'",
     NULL},
    {"SELECT count(*) FROM entities",
     NULL},
    {"SELECT count(*) FROM resources WHERE embedding.cosine('x') AND category = 'a'",
     "SELECT count(*) FROM (SELECT * FROM resources WHERE (resources._cosine = 'x') AND category = 'a' ORDER BY resources._score DESC LIMIT 10) AS resources "},
    {"SELECT r.name, f.name FROM resources r JOIN files f ON f.uri = r.uri WHERE r.embedding.cosine('x') AND f.status = 'completed' LIMIT 5",
     "SELECT r.name, f.name FROM resources r JOIN files f ON f.uri = r.uri WHERE (r._cosine = 'x') AND f.status = 'completed' ORDER BY r._score DESC LIMIT 5"},
    {"SELECT f.name, count(*) FROM resources r JOIN files f ON f.uri = r.uri WHERE r.embedding.cosine(?) AND f.status = ? GROUP BY f.name ORDER BY 2 DESC LIMIT 5",
     "SELECT f.name, count(*) FROM (SELECT * FROM resources r WHERE r._cosine = ?1 AND r.id IN (SELECT r.id FROM resources r JOIN files f ON f.uri = r.uri WHERE 1 AND f.status = ?2) ORDER BY r._score DESC LIMIT 5) AS r JOIN files f ON f.uri = r.uri WHERE 1 AND f.status = ?2 GROUP BY f.name ORDER BY 2 DESC "},
    {"SELECT name, embedding.cosine('x') AS s FROM resources ORDER BY s DESC LIMIT 5",
     "SELECT name, resources._score AS s FROM resources WHERE resources._cosine = 'x' ORDER BY s DESC LIMIT 5"},
    {"SELECT name, embedding.cosine('x') FROM resources ORDER BY embedding.cosine('x') LIMIT 5",
     "SELECT name, resources._score AS \"embedding.cosine('x')\" FROM resources WHERE resources._cosine = 'x' ORDER BY resources._score DESC LIMIT 5"},
    {"SELECT name FROM resources ORDER BY embedding.l2('x') LIMIT 5",
     "SELECT name FROM resources WHERE resources._l2 = 'x' ORDER BY resources._score LIMIT 5"},
    {"SELECT name, _score FROM resources WHERE embedding.l2('x') < 0.5",
     "SELECT name, resources._score FROM resources WHERE (resources._l2 = 'x' AND resources._min_score = 0.5 AND resources._score < 0.5) ORDER BY resources._score ASC"},
    {"SELECT name FROM resources WHERE embedding.cosine('x') ORDER BY name",
     "SELECT name FROM (SELECT * FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 10) AS resources  ORDER BY name"},
    {"SELECT id FROM resources WHERE embedding.cosine('a') UNION ALL SELECT id FROM moments WHERE embedding.cosine('a') LIMIT 20 OFFSET 5",
     "SELECT id FROM (SELECT * FROM resources WHERE (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT CASE WHEN (20) < 0 THEN -1 ELSE min((20), 4611686018427387904) + min(max(0, (5)), 4611686018427387903) END) AS resources  UNION ALL SELECT id FROM (SELECT * FROM moments WHERE (moments._cosine = 'a') ORDER BY moments._score DESC LIMIT CASE WHEN (20) < 0 THEN -1 ELSE min((20), 4611686018427387904) + min(max(0, (5)), 4611686018427387903) END) AS moments  LIMIT 20 OFFSET 5"},
    {"SELECT f.name FROM resources r RIGHT JOIN files f ON f.uri = r.uri WHERE (f.name, f.uri) IN (SELECT name, uri FROM files) AND f.name IN ('a', 'b')",
     "SELECT f.name FROM resources r RIGHT JOIN files f ON f.uri = r.uri WHERE +((f.name, f.uri) IN (SELECT name, uri FROM files)) AND f.name IN ('a', 'b')"},
    {"WITH w AS (SELECT 1, 2) SELECT f.name FROM resources r FULL JOIN files f ON f.uri = r.uri AND NOT ((f.name, r.tags[0]) IN w) AND max(1, 2) IN (1)",
     "WITH w AS (SELECT 1, 2) SELECT f.name FROM resources r FULL JOIN files f ON f.uri = r.uri AND NOT (+((f.name, json_extract(r.tags, '$[0]')) IN w)) AND max(1, 2) IN (1)"},
    {"SELECT f.name FROM resources r LEFT JOIN files f ON f.uri = r.uri WHERE (f.name, f.uri) IN (SELECT name, uri FROM files)",
     NULL},
    {"SELECT * FROM resources WHERE deleted_at IS NOT NULL",
     "SELECT * FROM \"resources+deleted\" AS resources WHERE deleted_at IS NOT NULL"},
    {"SELECT name, NULL AS deleted_at, count(*) deleted_at FROM resources",
     NULL},
    {"SELECT name, created_at > deleted_at AS deleted_at FROM resources",
     "SELECT name, created_at > deleted_at AS deleted_at FROM \"resources+deleted\" AS resources"},
    {"UPDATE resource SET deleted_at = NULL WHERE uri = 'x'",
     "UPDATE \"resources+deleted\" AS resource SET deleted_at = NULL WHERE uri = 'x'"},
    {"SELECT resource.name FROM resource",
     "SELECT resource.name FROM \"resources\" AS resource"},
    {"SELECT tags[0], metadata['author'], r.tags[-1] FROM resources r",
     "SELECT json_extract(tags, '$[0]') AS \"tags[0]\", json_extract(metadata, '$.\"author\"') AS \"metadata['author']\", json_extract(r.tags, '$[#-1]') AS \"r.tags[-1]\" FROM resources r"},
    {"SELECT r.* FROM resources r, moments m WHERE m.name = 'S' AND r.embedding.cosine(m.embedding) LIMIT 3",
     "SELECT r.*, r._score FROM resources r, moments m WHERE m.name = 'S' AND (r._cosine = (m._vector)) ORDER BY r._score DESC LIMIT 3"},
    {"SELECT name FROM resources WHERE embedding.cosine([0.1, 0.2])",
     "SELECT name FROM resources WHERE (resources._cosine = '[0.1, 0.2]') ORDER BY resources._score DESC LIMIT 10"},
    {"SELECT * FROM (SELECT * FROM resources WHERE embedding.cosine('x')) WHERE category = 'a'",
     "SELECT * FROM (SELECT * FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 10) WHERE category = 'a'"},
    {"SELECT DISTINCT category FROM resources WHERE embedding.cosine('x') LIMIT 50",
     "SELECT DISTINCT category FROM (SELECT * FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 50) AS resources  "},
    {"SELECT * FROM resources WHERE embedding.cosine('x') ORDER BY name LIMIT 3",
     "SELECT * FROM (SELECT *, _score FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 3) AS resources  ORDER BY name "},
    {"INSERT INTO person (name, email) SELECT name, uri FROM resources WHERE embedding.cosine('x') LIMIT 2",
     "INSERT INTO person (name, email) SELECT name, uri FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 2"},
    {"INSERT INTO person (name, email) SELECT name, (SELECT count(*) FROM person) FROM resources",
     "INSERT INTO person (name, email) WITH _rem_rows AS MATERIALIZED (SELECT name, (SELECT _count AS \"count(*)\" FROM \"person+count\") AS \"(SELECT count(*) FROM person)\" FROM resources) SELECT * FROM _rem_rows"},
    {"WITH w AS (SELECT * FROM person WHERE deleted_at IS NOT NULL) INSERT INTO person WITH v AS (SELECT * FROM w) SELECT * FROM v ORDER BY 1 LIMIT ?;",
     "WITH w AS (SELECT * FROM \"person+deleted\" AS person WHERE deleted_at IS NOT NULL) INSERT INTO person WITH _rem_rows AS MATERIALIZED (WITH v AS (SELECT * FROM w) SELECT * FROM v ORDER BY 1 LIMIT ?1) SELECT * FROM _rem_rows;"},
    {"INSERT INTO person (name) SELECT key FROM lookup('a')",
     "INSERT INTO person (name) WITH _rem_rows AS MATERIALIZED (SELECT key FROM lookup('a')) SELECT * FROM _rem_rows"},
    {"INSERT INTO person (name) SELECT name FROM person p UNION SELECT value FROM json_each('[1]') WHERE (SELECT count(*) FROM resources)",
     "INSERT INTO person (name) SELECT name FROM person p UNION SELECT value FROM json_each('[1]') WHERE (SELECT _count AS \"count(*)\" FROM \"resources+count\")"},
    {"SEARCH 'brew coffee' IN resource WHERE category = 'x' LIMIT 3",
     "SELECT *, _score FROM \"resources\" AS resource WHERE _cosine = 'brew coffee' AND (category = 'x') ORDER BY _score DESC LIMIT 3"},
    {"SEARCH 'brew coffee' IN resource MIN 0.5",
     "SELECT *, _score FROM \"resources\" AS resource WHERE _cosine = 'brew coffee' AND _min_score = 0.5 AND _score >= 0.5 ORDER BY _score DESC"},
    {"SEARCH :q",
     "SELECT * FROM search(?1, NULL, NULL) LIMIT 10"},
    {"LOOKUP 'a', 'b'",
     "SELECT * FROM lookup('a') UNION ALL SELECT * FROM lookup('b')"},
    {"FUZZY 'bob' IN person MIN 0.4",
     "SELECT * FROM fuzzy('bob', 'person', 0.4)"},
    {"TRAVERSE FROM 'k' DEPTH 2 DIRECTION both TYPE 'ref'",
     "SELECT * FROM traverse('k', 2, 'both', 'ref')"},
    {"SELECT count(*) FROM resources",
     "SELECT _count AS \"count(*)\" FROM \"resources+count\""},
    {"SELECT COUNT( * ) AS n FROM resource r",
     "SELECT _count AS n FROM \"resources+count\""},
    {"SELECT id FROM resources WHERE id = ANY(?)",
     "SELECT id FROM resources WHERE id IN (SELECT value FROM json_each(?1))"},
    {"SELECT name FROM resources WHERE 0.5 < embedding.cosine('a') AND embedding.cosine('b') > 0.2",
     "SELECT name FROM resources WHERE (resources._cosine = 'a' AND resources._min_score = 0.5 AND 0.5 < resources._score) AND _rem_score('cosine', 'resources', 0, resources._vector, 'b') > 0.2 ORDER BY resources._score DESC"},
    {"EXPLAIN SELECT 1",
     "EXPLAIN QUERY PLAN SELECT 1"},
    {"SELECT name FROM resources WHERE (embedding.cosine('a') AND (category = 'x'))",
     "SELECT name FROM resources WHERE ((resources._cosine = 'a') AND (category = 'x')) ORDER BY resources._score DESC LIMIT 10"},
    {"SELECT * FROM files f JOIN resources r ON r.uri = f.uri AND r.embedding.cosine('x') LIMIT 4",
     "SELECT *, r._score FROM files f JOIN resources r ON r.uri = f.uri AND (r._cosine = 'x') ORDER BY r._score DESC LIMIT 4"},
    {"WITH x AS (SELECT id, _score FROM resources WHERE embedding.cosine('a') LIMIT 3) SELECT * FROM x JOIN resources r ON r.id = x.id",
     "WITH x AS (SELECT id, resources._score FROM resources WHERE (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT 3) SELECT * FROM x JOIN resources r ON r.id = x.id"},
    {"SELECT max(_score) FROM resources WHERE embedding.cosine('a') LIMIT 3",
     "SELECT max(resources._score) AS \"max(_score)\" FROM (SELECT *, _score FROM resources WHERE (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT 3) AS resources  "},
    {"SELECT category, _doc FROM resources WHERE embedding.cosine('a') ORDER BY category",
     "SELECT category, _doc FROM (SELECT *, resources._doc AS _doc FROM resources WHERE (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT 10) AS resources  ORDER BY category"},
    {"SELECT * FROM (SELECT *, _doc FROM resources WHERE embedding.cosine('a') ORDER BY category)",
     "SELECT * FROM (SELECT resources.\"name\", resources.\"content\", resources.\"category\", resources.\"metadata\", resources.\"ordinal\", resources.\"uri\", resources.\"status\", resources.\"tags\", resources.\"id\", resources.\"type\", resources.\"created_at\", resources.\"modified_at\", resources.\"deleted_at\", resources.\"edges\", _doc FROM (SELECT *, resources._doc AS _doc FROM resources WHERE (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT 10) AS resources  ORDER BY category)"},
    {"SELECT lower(name) AS n FROM resources WHERE n = 'x' AND embedding.cosine('a') ORDER BY n",
     "SELECT lower(name) AS n FROM (SELECT * FROM resources WHERE (lower(name)) = 'x' AND (resources._cosine = 'a') ORDER BY resources._score DESC LIMIT 10) AS resources  ORDER BY n"},
    {"SELECT r.category, avg(embedding.cosine('b')) FROM resources AS r WHERE r.embedding.cosine('a') GROUP BY 1",
     "SELECT r.category, avg(_rem_score('cosine', 'resources', 0, r._vector, 'b')) AS \"avg(embedding.cosine('b'))\" FROM (SELECT *, r._vector AS _vector FROM resources AS r WHERE (r._cosine = 'a') ORDER BY r._score DESC LIMIT 10) AS r  GROUP BY 1"},
    {"SELECT name FROM resources WHERE embedding.cosine('a') AND embedding.cosine('a') > 0.5 ORDER BY category LIMIT 5",
     "SELECT name FROM (SELECT * FROM resources WHERE (resources._cosine = 'a' AND resources._min_score = 0.5) AND resources._score > 0.5 ORDER BY resources._score DESC LIMIT 5) AS resources  ORDER BY category "},
    {"SELECT f.name, count(*) FROM resources r JOIN files f ON f.uri = r.uri WHERE r.embedding.cosine('q') AND r.embedding.cosine('q') > 0.5 GROUP BY 1",
     "SELECT f.name, count(*) FROM (SELECT * FROM resources r WHERE r._cosine = 'q' AND r._min_score = 0.5 AND r._score > 0.5 AND r.id IN (SELECT r.id FROM resources r JOIN files f ON f.uri = r.uri WHERE 1 AND 1) ORDER BY r._score DESC LIMIT 10) AS r JOIN files f ON f.uri = r.uri WHERE 1 AND 1 GROUP BY 1"},
    {"SELECT name FROM resources r WHERE EXISTS (SELECT 1 FROM moments WHERE embedding.cosine('x') AND name = r.name)",
     "SELECT name FROM resources r WHERE EXISTS (SELECT 1 FROM moments WHERE (moments._cosine = 'x') AND name = r.name ORDER BY moments._score DESC LIMIT 10)"},
    {"SELECT id FROM resources WHERE CASE WHEN 1 THEN 'a' END = ANY(tags) AND NOT 'b' = ANY(tags) AND 5 < ALL(tags) AND lower(name) LIKE ANY(['a','b'])",
     "SELECT id FROM resources WHERE _rem_has(tags, CASE WHEN 1 THEN 'a' END) AND NOT _rem_has(tags, 'b') AND _rem_all(tags, '<', 5) AND _rem_any('[\"a\",\"b\"]', 'LIKE', lower(name))"},
    {"SELECT id FROM resources WHERE id = ANY(SELECT id FROM files) AND id <> ALL (SELECT id FROM moments)",
     "SELECT id FROM resources WHERE id IN(SELECT id FROM files) AND id NOT IN (SELECT id FROM moments)"},
    {"SELECT 'x' = ANY(r.tags), 1 + 2 = ANY(json_array(3)) FROM resources r",
     "SELECT _rem_has(r.tags, 'x') AS \"'x' = ANY(r.tags)\", _rem_any(json_array(3), '=', 1 + 2) AS \"1 + 2 = ANY(json_array(3))\" FROM resources r"},
    {"SELECT r.*, f.* FROM resources r JOIN files f USING (uri) WHERE embedding.cosine('x') ORDER BY f.name LIMIT 5 OFFSET 2",
     "SELECT r.*, f.* FROM (SELECT *, _score FROM resources r WHERE r._cosine = 'x' AND r.id IN (SELECT r.id FROM resources r JOIN files f USING (uri) WHERE 1) ORDER BY r._score DESC LIMIT 5 OFFSET 2) AS r JOIN files f USING (uri) WHERE 1 ORDER BY f.name LIMIT 5"},
    {"SELECT embedding FROM resources WHERE embedding.cosine('x') ORDER BY name",
     "SELECT embedding FROM (SELECT *, resources.embedding AS embedding FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC LIMIT 10) AS resources  ORDER BY name"},
    {"SELECT name FROM resources WHERE embedding.cosine('x') BETWEEN 0.2 AND 0.8 AND category = 'a'",
     "SELECT name FROM resources WHERE (resources._cosine = 'x' AND resources._score BETWEEN 0.2 AND 0.8) AND category = 'a' ORDER BY resources._score DESC"},
    {"SELECT deleted_at, (SELECT count(*) FROM files WHERE files.deleted_at IS NULL AND uri = r.uri) FROM resources r",
     "SELECT deleted_at, (SELECT count(*) FROM \"files+deleted\" AS files WHERE files.deleted_at IS NULL AND uri = r.uri) AS \"(SELECT count(*) FROM files WHERE files.deleted_at IS NULL AND uri = r.uri)\" FROM \"resources+deleted\" r"},
    {"WITH d AS (SELECT * FROM resources) SELECT * FROM d WHERE deleted_at IS NULL",
     NULL},
    {"SELECT name FROM resources WHERE embedding_alt.inner_product(:v) >= :min ORDER BY name LIMIT 5",
     "SELECT name FROM resources WHERE (resources._inner_product_alt = ?1 AND resources._min_score = ?2 AND resources._score >= ?2) ORDER BY name LIMIT 5"},
    {"SELECT _score, name FROM resources WHERE embedding.cosine('x') ORDER BY _score DESC, name LIMIT 4",
     "SELECT resources._score, name FROM resources WHERE (resources._cosine = 'x') ORDER BY resources._score DESC, name LIMIT 4"},
    {"SELECT name FROM resources ORDER BY category, embedding.cosine('x')",
     "SELECT name FROM resources ORDER BY category, _rem_score('cosine', 'resources', 0, resources._vector, 'x') DESC"},
    {"SELECT name FROM resources WHERE category = 'a' ORDER BY embedding.cosine(?) DESC LIMIT ?",
     "SELECT name FROM resources WHERE resources._cosine = ?1 AND (category = 'a') ORDER BY resources._score DESC LIMIT ?2"},
};

static void statements_become_what_sqlite_understands(void **state) {
  (void)state;
  rem_dialect *dialect;
  rem_error err = {0};
  assert_int_equal(rem_dialect_new(&dialect, &err), REM_OK);
  for (size_t i = 0; i < sizeof rewrites / sizeof rewrites[0]; i++) {
    rem_dialect_statement statement;
    const char *text = rewrites[i].text, *expected = rewrites[i].sql ? rewrites[i].sql : text;
    if (rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err) != REM_OK)
      fail_msg("%s\n%s", text, err.message);
    if (statement.sql_size != strlen(expected) || memcmp(statement.sql, expected, statement.sql_size) != 0)
      fail_msg("%s\nbecame  %.*s\ninstead %s", text, (int)statement.sql_size, statement.sql, expected);
    assert_true((statement.sql == text) == !rewrites[i].sql);
  }
  rem_dialect_free(dialect);
}

/* The text belongs to the caller and ends where it says: a sanitizer sees what is read behind it. */
static void a_parameter_may_be_the_end_of_the_text(void **state) {
  (void)state;
  static const char text[] = "SELECT 1 = ?12";
  char *copy = malloc(sizeof text - 1);
  rem_dialect *dialect;
  rem_dialect_statement s;
  assert_non_null(copy);
  assert_int_equal(rem_dialect_new(&dialect, NULL), REM_OK);
  memcpy(copy, text, sizeof text - 1);
  assert_int_equal(rem_dialect_rewrite(dialect, copy, sizeof text - 1, &fixture_catalog, &s, NULL), REM_OK);
  assert_int_equal(s.parameter_count, 1);
  assert_int_equal(s.parameters[0].number, 12);
  rem_dialect_free(dialect);
  free(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statements_become_what_sqlite_understands),
      cmocka_unit_test(a_parameter_may_be_the_end_of_the_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
