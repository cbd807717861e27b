/* SPDX-License-Identifier: Apache-2.0 */
/* What the dialect refuses: each with its byte, its code, its words and a hint. */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialect_fixture.h"

static const struct {
  const char *text;
  int offset;
  rem_status code;
  const char *message, *hint;
} errors[] = {
    {"SELECT name FROM resources WHERE embedding.cosine(name)", 50, REM_INVALID,
     "what is searched for may not depend on the row that is searched",
     "it is a text, a parameter, a vector, or a column of another table"},
    {"SELECT r.name FROM resources r, files f WHERE r.embedding.cosine(f.name || r.name) > 0.5", 75, REM_INVALID,
     "what is searched for may not depend on the row that is searched",
     "it is a text, a parameter, a vector, or a column of another table"},
    {"SELECT name FROM resources WHERE embedding.cosine('a') OR category = 'x'", 33, REM_INVALID,
     "a search cannot stand under OR",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources WHERE NOT embedding.cosine('a') > 0.5", 37, REM_INVALID,
     "a search cannot stand under NOT",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources WHERE embedding.cosin('a')", 43, REM_UNKNOWN,
     "'embedding' has no method 'cosin'",
     "did you mean cosine?"},
    {"SELECT name FROM files WHERE embedding.cosine('a')", 29, REM_INVALID,
     "table 'files' has no vectors",
     "its schema needs embedding_fields: [\"…\"]"},
    {"SELECT * FROM resorces", 14, REM_UNKNOWN,
     "no table 'resorces'",
     "did you mean 'resources'?"},
    {"DELETE FROM resources WHERE embedding.cosine('x')", 28, REM_INVALID,
     "UPDATE and DELETE take no search",
     "choose the rows first: WHERE id IN (SELECT id FROM resources WHERE embedding.cosine('text') LIMIT 10)"},
    {"SELECT name FROM resources WHERE embedding.cosine('x') >= 'much'", 58, REM_INVALID,
     "'much' is no number",
     "a score is compared with one: embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources r JOIN files f ON f.uri = r.uri WHERE 'much' < r.embedding.l2('x') LIMIT 3", 65, REM_INVALID,
     "'much' is no number",
     "a score is compared with one: embedding.l2('text') < 0.9"},
    {"UPDATE person SET name = r.name, email = NULL IS DISTINCT FROM 1 FROM resources r WHERE r.uri = email", 65, REM_UNSUPPORTED,
     "UPDATE … FROM is not available",
     "SET name = (SELECT … FROM …) WHERE id IN (SELECT …)"},
    {"SELECT 1; SELECT 2", 10, REM_INVALID,
     "a second statement",
     "give them one at a time; a script runs with db query --file"},
    {"CREATE TABLE x(a)", 0, REM_UNSUPPORTED,
     "CREATE is not available",
     "tables come from schemas: db schema add FILE, db schema remove TABLE"},
    {"SELECT * FROM files f LEFT JOIN resources r ON r.uri = f.uri WHERE r.embedding.cosine('x')", 67, REM_INVALID,
     "a search cannot stand on the optional side of a join",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name, _score FROM resources", 13, REM_INVALID,
     "_score without a search",
     "WHERE embedding.cosine('text') searches, and _score is how near a row is"},
    {"INSERT INTO entities(name) VALUES('x')", 12, REM_READONLY,
     "'entities' can only be read",
     "write to the table itself"},
    {"SELECT 'unclosed", 7, REM_INVALID,
     "the quote ' is not closed",
     "a quote inside a text is doubled: 'it''s'"},
    {"SELECT (1", 7, REM_INVALID,
     "this ( is not closed",
     ""},
    {"SELEC * FROM resources", 0, REM_INVALID,
     "a statement does not begin with SELEC",
     "did you mean SELECT?"},
    {"SELECT content.match('x') FROM resources", 15, REM_UNKNOWN,
     "'content' has no method 'match'",
     "only vectors have methods: embedding.cosine('text'); a function is written match(content, …)"},
    {"SELECT * FROM resources('x')", 23, REM_INVALID,
     "'resources' is a table, not a function",
     "WHERE embedding.cosine('text') searches it"},
    {"SELECT name FROM resources WHERE abs(embedding.cosine('x')) > 0.2", 37, REM_INVALID,
     "a search cannot stand inside an expression",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources GROUP BY embedding.cosine('x')", 36, REM_INVALID,
     "a search cannot stand in GROUP BY",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources WHERE embedding.cosine('x') HAVING embedding.cosine('y') > 1", 62, REM_INVALID,
     "a search cannot stand in HAVING",
     "as a condition it stands alone or compared with a number, joined to others by AND: WHERE category = 'a' AND embedding.cosine('text') > 0.7"},
    {"SELECT name FROM resources WHERE embedding.cosine('x') AND embedding.cosine('y')", 59, REM_INVALID,
     "a second ranking search",
     "one ranks: give the other a threshold (> 0.5), or put it into a query of its own"},
    {"SELECT name FROM resources, moments WHERE embedding.cosine('x')", 42, REM_INVALID,
     "'embedding' could be of 'resources' or of 'moments'",
     "write resources.embedding.cosine(…)"},
    {"SELECT name FROM resources WHERE embedding.cosine()", 49, REM_INVALID,
     "cosine() needs what to search for",
     "a text, a parameter or a vector: embedding.cosine('how to brew coffee')"},
    {"SELECT name FROM resources WHERE embedding.cosine('a', 'b')", 53, REM_INVALID,
     "cosine() takes one argument",
     ""},
    {"SELECT name FROM (SELECT * FROM resources) AS d WHERE d.embedding.cosine('x')", 54, REM_INVALID,
     "a search needs a table; 'd' is a query",
     "put the search into the query that reads the table"},
    {"SELECT count(*), _score FROM resources", 17, REM_INVALID,
     "_score without a search",
     "WHERE embedding.cosine('text') searches, and _score is how near a row is"},
    {"SELECT * FROM lokup('x')", 14, REM_UNKNOWN,
     "no table-valued function 'lokup'",
     "did you mean lookup?"},
    {"SELECT tags[abc] FROM resources", 11, REM_INVALID,
     "[abc] is no subscript",
     "a list has [0], [-1]; an object ['key']; an alias stands behind AS"},
    {"INSERT INTO person VALUES (1) ON CONFLICT DO NOTHING", 30, REM_UNSUPPORTED,
     "ON CONFLICT is not available",
     "INSERT replaces the row of the same key; INSERT OR IGNORE keeps it"},
    {"INSERT INTO person(name) VALUES ('x') RETURNING id", 38, REM_UNSUPPORTED,
     "RETURNING is not available",
     "read the row afterwards: SELECT … WHERE id = …"},
    {"SELECT * FROM resources INDEXED BY x", 24, REM_UNSUPPORTED,
     "INDEXED BY is not available",
     "indexes are chosen by themselves; EXPLAIN shows which"},
    {"PRAGMA table_info(resources)", 0, REM_UNSUPPORTED,
     "PRAGMA is not available",
     "settings are P8_* variables: db config shows them"},
    {"TRAVERSE 'x'", 9, REM_INVALID,
     "FROM is missing here",
     "TRAVERSE FROM 'key' [DEPTH n] [DIRECTION out|in|both] [TYPE 'type'] [WHERE …] [LIMIT n]"},
    {"LOOKUP", 6, REM_INVALID,
     "a key in single quotes is missing here",
     "LOOKUP 'key' [, 'key' …] [IN table] [LIMIT n]"},
    {"SEARCH 'x' IN files", 14, REM_INVALID,
     "table 'files' has no vectors",
     "its schema needs embedding_fields: [\"…\"]"},
    {"SEARCH 'x' IN resources ORDER BY name", 24, REM_INVALID,
     "this does not belong here",
     "SEARCH 'text' [IN table] [MIN 0.5] [WHERE …] [LIMIT n]"},
    {"SELECT * FROM other.resources", 14, REM_UNKNOWN,
     "no database 'other'",
     "a statement reads one database; write the table's name alone"},
    {"SELECT a FROM t1 ORDER", 14, REM_UNKNOWN,
     "no table 't1'",
     "tables come from schemas: db schema list shows them"},
};

static void refusals_name_place_reason_and_remedy(void **state) {
  (void)state;
  rem_dialect *dialect;
  rem_error err = {0};
  assert_int_equal(rem_dialect_new(&dialect, &err), REM_OK);
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    rem_dialect_statement statement;
    const char *text = errors[i].text;
    err = (rem_error){0};
    if (rem_dialect_rewrite(dialect, text, strlen(text), &fixture_catalog, &statement, &err) != errors[i].code)
      fail_msg("%s\ngave %d: %s", text, err.code, err.message);
    assert_int_equal(err.code, errors[i].code);
    assert_string_equal(err.message, errors[i].message);
    assert_string_equal(err.hint, errors[i].hint);
    if (err.offset != errors[i].offset)
      fail_msg("%s\nat %d instead of %d", text, (int)err.offset, errors[i].offset);
  }
  rem_dialect_free(dialect);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(refusals_name_place_reason_and_remedy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
