/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of SQLite's SQL, cut exactly where SQLite cuts them: text in quotes, comments and names are never
 * mistaken for one another. `[0]` after a name is a quoted name to SQLite and a subscript to the dialect; the token is the same.
 */
#ifndef REM_DIALECT_TOKEN_H
#define REM_DIALECT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rem_token_kind {
  REM_TOKEN_END,
  REM_TOKEN_SPACE,   /* blanks and comments; not among the tokens of a statement */
  REM_TOKEN_NAME,    /* a bare word; `word` is its keyword or REM_WORD_NONE */
  REM_TOKEN_QUOTED,  /* "x", `x` or [x] */
  REM_TOKEN_TEXT,    /* 'x' */
  REM_TOKEN_BLOB,    /* x'00' */
  REM_TOKEN_NUMBER,
  REM_TOKEN_PARAMETER, /* ? ?1 :a @a $a */
  REM_TOKEN_OPEN,
  REM_TOKEN_CLOSE,
  REM_TOKEN_COMMA,
  REM_TOKEN_DOT,
  REM_TOKEN_STAR,
  REM_TOKEN_SEMICOLON,
  REM_TOKEN_EQUAL,   /* = == */
  REM_TOKEN_UNEQUAL, /* <> != */
  REM_TOKEN_LESS,
  REM_TOKEN_LESS_EQUAL,
  REM_TOKEN_GREATER,
  REM_TOKEN_GREATER_EQUAL,
  REM_TOKEN_OPERATOR, /* any other */
  REM_TOKEN_BAD,      /* cannot be cut: open quotes, a number running into letters, a strange character */
} rem_token_kind;

/* The keywords that the dialect looks at; order is that of the table in word.c. */
typedef enum rem_word {
  REM_WORD_NONE,
  REM_WORD_ALL,
  REM_WORD_ALTER,
  REM_WORD_ANALYZE,
  REM_WORD_AND,
  REM_WORD_ANY,
  REM_WORD_AS,
  REM_WORD_ASC,
  REM_WORD_ATTACH,
  REM_WORD_BEGIN,
  REM_WORD_BETWEEN,
  REM_WORD_BY,
  REM_WORD_CASE,
  REM_WORD_COLLATE,
  REM_WORD_COMMIT,
  REM_WORD_CONFLICT,
  REM_WORD_CREATE,
  REM_WORD_CROSS,
  REM_WORD_DEFAULT,
  REM_WORD_DELETE,
  REM_WORD_DEPTH,
  REM_WORD_DESC,
  REM_WORD_DETACH,
  REM_WORD_DIRECTION,
  REM_WORD_DISTINCT,
  REM_WORD_DROP,
  REM_WORD_ELSE,
  REM_WORD_END,
  REM_WORD_ESCAPE,
  REM_WORD_EXCEPT,
  REM_WORD_EXISTS,
  REM_WORD_EXPLAIN,
  REM_WORD_FILTER,
  REM_WORD_FROM,
  REM_WORD_FULL,
  REM_WORD_FUZZY,
  REM_WORD_GLOB,
  REM_WORD_GROUP,
  REM_WORD_HAVING,
  REM_WORD_IN,
  REM_WORD_INDEXED,
  REM_WORD_INNER,
  REM_WORD_INSERT,
  REM_WORD_INTERSECT,
  REM_WORD_INTO,
  REM_WORD_IS,
  REM_WORD_ISNULL,
  REM_WORD_JOIN,
  REM_WORD_LEFT,
  REM_WORD_LIKE,
  REM_WORD_LIMIT,
  REM_WORD_LOOKUP,
  REM_WORD_MATCH,
  REM_WORD_MATERIALIZED,
  REM_WORD_MIN,
  REM_WORD_NATURAL,
  REM_WORD_NOT,
  REM_WORD_NOTNULL,
  REM_WORD_NULL,
  REM_WORD_OFFSET,
  REM_WORD_ON,
  REM_WORD_OR,
  REM_WORD_ORDER,
  REM_WORD_OUTER,
  REM_WORD_OVER,
  REM_WORD_PLAN,
  REM_WORD_PRAGMA,
  REM_WORD_QUERY,
  REM_WORD_RECURSIVE,
  REM_WORD_REGEXP,
  REM_WORD_REINDEX,
  REM_WORD_RELEASE,
  REM_WORD_REPLACE,
  REM_WORD_RETURNING,
  REM_WORD_RIGHT,
  REM_WORD_ROLLBACK,
  REM_WORD_SAVEPOINT,
  REM_WORD_SEARCH,
  REM_WORD_SELECT,
  REM_WORD_SET,
  REM_WORD_THEN,
  REM_WORD_TO,
  REM_WORD_TRANSACTION,
  REM_WORD_TRAVERSE,
  REM_WORD_TYPE,
  REM_WORD_UNION,
  REM_WORD_UPDATE,
  REM_WORD_USING,
  REM_WORD_VACUUM,
  REM_WORD_VALUES,
  REM_WORD_WHEN,
  REM_WORD_WHERE,
  REM_WORD_WINDOW,
  REM_WORD_WITH,
  REM_WORD_COUNT
} rem_word;

/* Cuts the token at text[0]; `size` > 0. Returns its bytes, at least 1. */
size_t rem_token_cut(const char *text, size_t size, rem_token_kind *ret_kind);

/* The keyword a bare word is, in any case. */
rem_word rem_word_of(const char *text, size_t size);
/* May not be a name unless it is quoted, so that it ends what stands before it: `FROM t WHERE`. */
bool rem_word_is_reserved(rem_word word);
/* In upper case; static. */
const char *rem_word_text(rem_word word);

#endif
