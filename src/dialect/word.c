/* SPDX-License-Identifier: Apache-2.0 */
/* The keywords, found by first letter and length, and the words that completion offers. */
#include "dialect/token.h"

#include <string.h>

#include "dialect/dialect.h"

typedef struct keyword {
  const char *text;
  uint8_t size;
  bool reserved;
} keyword;

static const keyword keywords[REM_WORD_COUNT] = {
    [REM_WORD_ALL] = {"ALL", 3, true},
    [REM_WORD_ALTER] = {"ALTER", 5, true},
    [REM_WORD_ANALYZE] = {"ANALYZE", 7, false},
    [REM_WORD_AND] = {"AND", 3, true},
    [REM_WORD_ANY] = {"ANY", 3, false},
    [REM_WORD_AS] = {"AS", 2, true},
    [REM_WORD_ASC] = {"ASC", 3, false},
    [REM_WORD_ATTACH] = {"ATTACH", 6, false},
    [REM_WORD_BEGIN] = {"BEGIN", 5, false},
    [REM_WORD_BETWEEN] = {"BETWEEN", 7, true},
    [REM_WORD_BY] = {"BY", 2, false},
    [REM_WORD_CASE] = {"CASE", 4, true},
    [REM_WORD_COLLATE] = {"COLLATE", 7, true},
    [REM_WORD_COMMIT] = {"COMMIT", 6, true},
    [REM_WORD_CONFLICT] = {"CONFLICT", 8, false},
    [REM_WORD_CREATE] = {"CREATE", 6, true},
    [REM_WORD_CROSS] = {"CROSS", 5, true},
    [REM_WORD_DEFAULT] = {"DEFAULT", 7, true},
    [REM_WORD_DELETE] = {"DELETE", 6, true},
    [REM_WORD_DEPTH] = {"DEPTH", 5, false},
    [REM_WORD_DESC] = {"DESC", 4, false},
    [REM_WORD_DETACH] = {"DETACH", 6, false},
    [REM_WORD_DIRECTION] = {"DIRECTION", 9, false},
    [REM_WORD_DISTINCT] = {"DISTINCT", 8, true},
    [REM_WORD_DROP] = {"DROP", 4, true},
    [REM_WORD_ELSE] = {"ELSE", 4, true},
    [REM_WORD_END] = {"END", 3, false},
    [REM_WORD_ESCAPE] = {"ESCAPE", 6, true},
    [REM_WORD_EXCEPT] = {"EXCEPT", 6, true},
    [REM_WORD_EXISTS] = {"EXISTS", 6, true},
    [REM_WORD_EXPLAIN] = {"EXPLAIN", 7, false},
    [REM_WORD_FILTER] = {"FILTER", 6, false},
    [REM_WORD_FROM] = {"FROM", 4, true},
    [REM_WORD_FULL] = {"FULL", 4, true},
    [REM_WORD_FUZZY] = {"FUZZY", 5, false},
    [REM_WORD_GLOB] = {"GLOB", 4, false},
    [REM_WORD_GROUP] = {"GROUP", 5, true},
    [REM_WORD_HAVING] = {"HAVING", 6, true},
    [REM_WORD_IN] = {"IN", 2, true},
    [REM_WORD_INDEXED] = {"INDEXED", 7, true},
    [REM_WORD_INNER] = {"INNER", 5, true},
    [REM_WORD_INSERT] = {"INSERT", 6, true},
    [REM_WORD_INTERSECT] = {"INTERSECT", 9, true},
    [REM_WORD_INTO] = {"INTO", 4, true},
    [REM_WORD_IS] = {"IS", 2, true},
    [REM_WORD_ISNULL] = {"ISNULL", 6, true},
    [REM_WORD_JOIN] = {"JOIN", 4, true},
    [REM_WORD_LEFT] = {"LEFT", 4, true},
    [REM_WORD_LIKE] = {"LIKE", 4, false},
    [REM_WORD_LIMIT] = {"LIMIT", 5, true},
    [REM_WORD_LOOKUP] = {"LOOKUP", 6, false},
    [REM_WORD_MATCH] = {"MATCH", 5, false},
    [REM_WORD_MATERIALIZED] = {"MATERIALIZED", 12, false},
    [REM_WORD_MIN] = {"MIN", 3, false},
    [REM_WORD_NATURAL] = {"NATURAL", 7, true},
    [REM_WORD_NOT] = {"NOT", 3, true},
    [REM_WORD_NOTNULL] = {"NOTNULL", 7, true},
    [REM_WORD_NULL] = {"NULL", 4, true},
    [REM_WORD_OFFSET] = {"OFFSET", 6, false},
    [REM_WORD_ON] = {"ON", 2, true},
    [REM_WORD_OR] = {"OR", 2, true},
    [REM_WORD_ORDER] = {"ORDER", 5, true},
    [REM_WORD_OUTER] = {"OUTER", 5, true},
    [REM_WORD_OVER] = {"OVER", 4, false},
    [REM_WORD_PLAN] = {"PLAN", 4, false},
    [REM_WORD_PRAGMA] = {"PRAGMA", 6, false},
    [REM_WORD_QUERY] = {"QUERY", 5, false},
    [REM_WORD_RECURSIVE] = {"RECURSIVE", 9, false},
    [REM_WORD_REGEXP] = {"REGEXP", 6, false},
    [REM_WORD_REINDEX] = {"REINDEX", 7, false},
    [REM_WORD_RELEASE] = {"RELEASE", 7, false},
    [REM_WORD_REPLACE] = {"REPLACE", 7, false},
    [REM_WORD_RETURNING] = {"RETURNING", 9, true},
    [REM_WORD_RIGHT] = {"RIGHT", 5, true},
    [REM_WORD_ROLLBACK] = {"ROLLBACK", 8, false},
    [REM_WORD_SAVEPOINT] = {"SAVEPOINT", 9, false},
    [REM_WORD_SEARCH] = {"SEARCH", 6, false},
    [REM_WORD_SELECT] = {"SELECT", 6, true},
    [REM_WORD_SET] = {"SET", 3, true},
    [REM_WORD_THEN] = {"THEN", 4, true},
    [REM_WORD_TO] = {"TO", 2, true},
    [REM_WORD_TRANSACTION] = {"TRANSACTION", 11, true},
    [REM_WORD_TRAVERSE] = {"TRAVERSE", 8, false},
    [REM_WORD_TYPE] = {"TYPE", 4, false},
    [REM_WORD_UNION] = {"UNION", 5, true},
    [REM_WORD_UPDATE] = {"UPDATE", 6, true},
    [REM_WORD_USING] = {"USING", 5, true},
    [REM_WORD_VACUUM] = {"VACUUM", 6, false},
    [REM_WORD_VALUES] = {"VALUES", 6, true},
    [REM_WORD_WHEN] = {"WHEN", 4, true},
    [REM_WORD_WHERE] = {"WHERE", 5, true},
    [REM_WORD_WINDOW] = {"WINDOW", 6, false},
    [REM_WORD_WITH] = {"WITH", 4, false},
};

/* First and last keyword of each letter. */
static const uint8_t letters[26][2] = {
    [0] = {REM_WORD_ALL, REM_WORD_ATTACH},
    [1] = {REM_WORD_BEGIN, REM_WORD_BY},
    [2] = {REM_WORD_CASE, REM_WORD_CROSS},
    [3] = {REM_WORD_DEFAULT, REM_WORD_DROP},
    [4] = {REM_WORD_ELSE, REM_WORD_EXPLAIN},
    [5] = {REM_WORD_FILTER, REM_WORD_FUZZY},
    [6] = {REM_WORD_GLOB, REM_WORD_GROUP},
    [7] = {REM_WORD_HAVING, REM_WORD_HAVING},
    [8] = {REM_WORD_IN, REM_WORD_ISNULL},
    [9] = {REM_WORD_JOIN, REM_WORD_JOIN},
    [11] = {REM_WORD_LEFT, REM_WORD_LOOKUP},
    [12] = {REM_WORD_MATCH, REM_WORD_MIN},
    [13] = {REM_WORD_NATURAL, REM_WORD_NULL},
    [14] = {REM_WORD_OFFSET, REM_WORD_OVER},
    [15] = {REM_WORD_PLAN, REM_WORD_PRAGMA},
    [16] = {REM_WORD_QUERY, REM_WORD_QUERY},
    [17] = {REM_WORD_RECURSIVE, REM_WORD_ROLLBACK},
    [18] = {REM_WORD_SAVEPOINT, REM_WORD_SET},
    [19] = {REM_WORD_THEN, REM_WORD_TYPE},
    [20] = {REM_WORD_UNION, REM_WORD_USING},
    [21] = {REM_WORD_VACUUM, REM_WORD_VALUES},
    [22] = {REM_WORD_WHEN, REM_WORD_WITH},
};

static bool same_word(const char *text, const char *upper, size_t size) {
  for (size_t i = 1; i < size; i++)
    if ((text[i] & ~0x20) != upper[i])
      return false;
  return true;
}

rem_word rem_word_of(const char *text, size_t size) {
  unsigned letter = (unsigned)((text[0] & ~0x20) - 'A');
  if (letter >= 26 || letters[letter][0] == 0)
    return REM_WORD_NONE;
  for (unsigned i = letters[letter][0]; i <= letters[letter][1]; i++)
    if (keywords[i].size == size && same_word(text, keywords[i].text, size))
      return (rem_word)i;
  return REM_WORD_NONE;
}

bool rem_word_is_reserved(rem_word word) {
  return keywords[word].reserved;
}

const char *rem_word_text(rem_word word) {
  return word == REM_WORD_NONE || word >= REM_WORD_COUNT ? "" : keywords[word].text;
}

/* Beyond the keywords above. */
static const char *const further[] = {
    "CAST(", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "NULLS FIRST", "NULLS LAST", "PARTITION BY", "abs(",
    "avg(", "coalesce(", "count(", "date(", "datetime(", "embedding", "embedding_alt", "embedding.cosine(",
    "embedding.inner_product(", "embedding.l2(", "entities", "fuzzy(", "group_concat(", "ifnull(", "iif(", "instr(",
    "json_array_length(", "json_each(", "json_extract(", "json_group_array(", "json_group_object(", "json_tree(",
    "json_type(", "julianday(", "length(", "lookup(", "lower(", "max(", "min(", "nullif(", "printf(", "random(",
    "rank(", "replace(", "round(", "row_number(", "search(", "strftime(", "substr(", "sum(", "total(", "traverse(",
    "trim(", "typeof(", "unicode(", "unixepoch(", "upper(", "_score", "_doc",
};

const char *rem_dialect_word(size_t index) {
  if (index + 1 < REM_WORD_COUNT)
    return keywords[index + 1].text;
  index -= REM_WORD_COUNT - 1;
  return index < sizeof further / sizeof further[0] ? further[index] : NULL;
}
