/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialect: the SQL that people write, turned into the SQL that SQLite understands.
 *
 * Pure text: no storage and no SQLite here. In goes one statement and a catalog (which tables there are and which columns
 * they have); out comes SQLite's text, a map of positions and what kind of statement it is. A statement that
 * needs no change comes back as it is.
 *
 * What the tables of the engine promise, so that the text made here means what it should
 * ("t" is any table, made available to SQLite under its canonical name as a virtual table):
 *
 *   "t"              rows that are not deleted; "t+deleted": all rows (D14: the text names deleted_at for that reference). Both take writes.
 *   _cosine, _inner_product, _l2, _cosine_alt, _inner_product_alt, _l2_alt
 *                    hidden columns. `_cosine = q` ranks: only rows with a vector, best first, all of them as SQLite goes on
 *                    stepping (lazily: a LIMIT above stops it). `q` is a text to embed, a blob of float32, or text that is a JSON array
 *                    of as many numbers as the table's vectors have. One search a scan; it must be consumed, and reading such a column is an error.
 *                    Filters besides it hold for every row that comes out.
 *   _min_score       hidden; `_min_score = x` beside a search: nothing worse than x is needed (inclusive; for _l2 the greatest
 *                    distance). Advice: the exact comparison stands beside it.
 *   _score           hidden; of the search of this scan: similarity, or distance for _l2; never NULL. Outside a search reading it is an error.
 *                    `ORDER BY _score DESC` (ASC for _l2) is the order the scan has already (orderByConsumed).
 *   _vector, _vector_alt   hidden; the vector as a blob of float32, NULL when there is none (pending).
 *   "t+count"        one row with the column _count: how many rows "t" has. Read for `SELECT count(*) FROM t`.
 *   _doc             hidden; the row as JSON. embedding, embedding_alt: hidden; JSON lists.
 *
 * and the functions (SQL scalar functions of every connection):
 *
 *   _rem_score('cosine'|'inner_product'|'l2', 'table', slot, vector, q)
 *                    the score of one vector against q, which is as above; NULL when vector or q is NULL.
 *   _rem_has(list, value)  `value = ANY (list)` of a column: two arguments, so that a table can serve it from an index
 *   _rem_any(list, op, value), _rem_all(list, op, value)
 *                    `value op ANY (list)`; list is a JSON array (a list column), op one of = <> < <= > >= LIKE; SQL's three-valued logic: NULL
 *                    list gives NULL; anything but an array is an error.
 *   json_extract(json, path)   SQLite's own, for subscripts.
 *   _rem_instant(x)  the text x as a canonical instant; what is none, as it is
 * and the collation rem_instant, which compares texts as instants.
 *
 * and the table-valued functions (missing arguments are NULL: default):
 *   lookup(key)   search(text, table, min_score)   fuzzy(text, table, min_score)   traverse(start, depth, direction, type)
 *   besides SQLite's json_each and json_tree. The statements LOOKUP, SEARCH, FUZZY, TRAVERSE become selections from these.
 */
#ifndef REM_DIALECT_DIALECT_H
#define REM_DIALECT_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Limits; beyond them REM_LIMIT. */
#define REM_DIALECT_TEXT_SIZE_MAX (1u << 20)   /* bytes of one statement */
#define REM_DIALECT_TOKEN_COUNT_MAX 100000u
#define REM_DIALECT_DEPTH_MAX 100u             /* nested parentheses and CASE */
#define REM_DIALECT_BLOCK_COUNT_MAX 500u       /* SELECT blocks */
#define REM_DIALECT_JOIN_COUNT_MAX 60u         /* tables in one FROM (SQLite's own limit is 64) */
#define REM_DIALECT_OUTPUT_SIZE_MAX (8u << 20) /* bytes of the text made */
/* Rows a ranking search gives without LIMIT (D18). */
#define REM_DIALECT_DEFAULT_LIMIT 10

/* A table as the dialect sees it; filled by the catalog, strings borrowed until the rewrite ends. */
typedef struct rem_dialect_table {
  const char *name;  /* canonical, as SQLite knows it */
  const void *handle; /* the catalog's own */
  bool read_only;    /* the view `entities` */
  bool embedded;     /* has vectors */
} rem_dialect_table;

/* What a column or an expression is known to hold. */
typedef enum rem_dialect_type {
  REM_DIALECT_ANY, /* several types, or not known */
  REM_DIALECT_BOOL,
  REM_DIALECT_NUMBER,
  REM_DIALECT_TEXT,
  REM_DIALECT_INSTANT, /* seen by SQLite as canonical text (D19); its columns have the collation rem_instant */
  REM_DIALECT_UUID,
  REM_DIALECT_LIST,    /* lists and objects are seen as JSON without blanks, as rem_json_append() writes it */
  REM_DIALECT_OBJECT,
} rem_dialect_type;

/* What the dialect may ask. Called only during rewrite and explain; no function may fail. */
typedef struct rem_dialect_catalog {
  void *context;
  /* The table someone wrote as `name` (any case; aliases of D1), `name` NUL-terminated; false: there is none. */
  bool (*find_table)(void *context, const char *name, rem_dialect_table *ret_table);
  /* For suggestions: the name of the `index`th table, NULL past the last. */
  const char *(*table_name)(void *context, size_t index);
  /* The `index`th column in the order of `SELECT *`, then the hidden ones; NULL past the last. `ret_hidden`: not part of `*`. */
  const char *(*column_name)(void *context, const rem_dialect_table *table, size_t index, bool *ret_hidden);
  /* What that column holds: its affinity to SQLite is that of the type (list and object: text). NULL: nothing is known of any. */
  rem_dialect_type (*column_type)(void *context, const rem_dialect_table *table, size_t index);
} rem_dialect_catalog;

typedef enum rem_dialect_kind {
  REM_DIALECT_EMPTY,     /* nothing but blanks and comments */
  REM_DIALECT_SELECT,    /* also VALUES, WITH … SELECT and the verbs */
  REM_DIALECT_INSERT,    /* also REPLACE */
  REM_DIALECT_UPDATE,
  REM_DIALECT_DELETE,
  REM_DIALECT_BEGIN,
  REM_DIALECT_COMMIT,    /* also END */
  REM_DIALECT_ROLLBACK,  /* ROLLBACK TO is REM_DIALECT_SAVEPOINT */
  REM_DIALECT_SAVEPOINT, /* SAVEPOINT, RELEASE, ROLLBACK TO */
} rem_dialect_kind;

/* A parameter of the statement. Its number is what SQLite would give it in the caller's text (`?` counts on, a name keeps the number of its
 * first place), whatever the text made looks like. */
typedef struct rem_dialect_parameter {
  uint32_t number;  /* from 1 */
  const char *name; /* as written, with its mark (":id"), not NUL-terminated; NULL for ? and ?N */
  size_t name_size;
} rem_dialect_parameter;

/* What a comparison asks of its other side (D35). */
typedef struct rem_dialect_demand {
  uint32_t parameter;    /* its number, when the other side is one; else 0 */
  uint32_t offset;       /* of the other side in the caller's text */
  rem_dialect_type type;
  bool ordered;          /* < <= > >= BETWEEN: not equality */
  bool written;          /* it is not compared but stored: the schema takes no text for a number */
  bool converts;         /* the side that asks has an affinity, as columns have: '5' is a number to it */
  const char *what;      /* that side as it is written; not NUL-terminated */
  size_t what_size;
} rem_dialect_demand;

typedef enum rem_dialect_constant_kind {
  REM_DIALECT_CONSTANT_NULL,
  REM_DIALECT_CONSTANT_BOOL,
  REM_DIALECT_CONSTANT_INTEGER,
  REM_DIALECT_CONSTANT_REAL,
  REM_DIALECT_CONSTANT_TEXT,
  REM_DIALECT_CONSTANT_BLOB,
} rem_dialect_constant_kind;

typedef struct rem_dialect_constant {
  rem_dialect_constant_kind kind;
  const char *text; /* of TEXT its bytes; of others as it is written, for messages; may be NULL */
  size_t size;
} rem_dialect_constant;

/* Can the constant compare with what asks, other than never or by accident? Pure. */
bool rem_dialect_fits(const rem_dialect_demand *demand, const rem_dialect_constant *constant);
/* Records why it cannot, at demand->offset. `parameter`: its name or number as written, NULL for a constant of the text. Returns REM_INVALID. */
rem_status rem_dialect_refuse(const rem_dialect_demand *demand, const rem_dialect_constant *constant, const char *parameter, rem_error *err);

/* What came of a rewrite; borrowed from the rem_dialect until its next use. */
typedef struct rem_dialect_statement {
  rem_dialect_kind kind;
  bool explain;        /* EXPLAIN QUERY PLAN stands before it */
  bool searches;       /* a search, by predicate, verb or table-valued function: needs a model */
  bool default_limit;  /* some ranking search had no LIMIT and was given REM_DIALECT_DEFAULT_LIMIT */
  bool row_lists;      /* some `(a, b) IN (…)`: equalities offered to a table may be parts of it */
  const char *sql;     /* for SQLite; NUL-terminated unless it is the caller's own text */
  size_t sql_size;
  size_t text_size;    /* bytes of the caller's text it takes, its semicolon included */
  const rem_dialect_parameter *parameters; /* each once, by first place */
  size_t parameter_count;
  const rem_dialect_demand *demands; /* on parameters: a value must fit one of those on it at least */
  size_t demand_count;
} rem_dialect_statement;

/* The translator, with the memory it works in; one thread at a time. Owned: rem_dialect_free(). */
typedef struct rem_dialect rem_dialect;
REM_CHECKED rem_status rem_dialect_new(rem_dialect **ret_dialect, rem_error *err);
void rem_dialect_free(rem_dialect *dialect);

/*
 * Translates the one statement in `text` (UTF-8, not NUL-terminated, may hold a closing semicolon and comments). `text` and
 * `catalog` are borrowed until the next use of `dialect`. Where the text made moves things, parameters have become `?N`: bind by number, and find the
 * number of a name in `parameters`.
 * Cost: about 1 us for a plain statement.
 * Failures have err->offset, a byte of `text`, and mostly a hint: REM_INVALID (syntax, misplaced search, second statement, a constant compared with
 * what it can never equal),
 * REM_UNKNOWN (table, method, function in FROM), REM_UNSUPPORTED (DDL and clauses virtual tables cannot do), REM_READONLY (a write to
 * `entities`), REM_LIMIT, REM_NOMEM.
 */
REM_CHECKED rem_status rem_dialect_rewrite(rem_dialect *dialect, const char *text, size_t text_size,
                                           const rem_dialect_catalog *catalog, rem_dialect_statement *ret_statement,
                                           rem_error *err);

/* The byte of the caller's text that `offset` of the text made came from; -1 for -1. */
int64_t rem_dialect_source_offset(const rem_dialect *dialect, int64_t offset);

/*
 * Records in `err` what SQLite said of the text made last: `message` (sqlite3_errmsg), `offset` (sqlite3_error_offset, or -1). The offset
 * becomes one of the caller's text, internal names leave the message, and unknown columns and functions get a hint with the
 * nearest. Returns REM_UNKNOWN for unknown names, REM_LIMIT for limits of SQLite, else REM_INVALID.
 */
rem_status rem_dialect_explain_error(rem_dialect *dialect, const char *message, int64_t offset, rem_error *err);

/*
 * Cuts a script into statements: the size of the first statement in `text` with its semicolon, or 0 when the text ends within one (in a
 * string, a comment, or before the semicolon). Blanks and comments before a statement belong to it. Pure.
 */
size_t rem_dialect_statement_size(const char *text, size_t text_size);

/* Does a statement of the script write rows, as its words say, or explain one that does? Transactions without a write do not. Pure. */
bool rem_dialect_writes(const char *text, size_t text_size);

/* Words for completion: the `index`th keyword, verb or function of the language ("SELECT", "json_each("); NULL past the last. Static. */
const char *rem_dialect_word(size_t index);

#endif
