/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns: what a table looks like to SQL.
 *
 *   schema fields | id, type, created_at, modified_at, deleted_at, edges |  hidden: _doc, _score, _min_score, embedding, …, _l2_alt
 *
 * A field that no longer is in the schema has no column. The declared types serve two ends: their letters give SQLite the affinity meant, and
 * rem_columns_type_of() reads from them what a result column holds.
 */
#ifndef REM_QUERY_COLUMNS_H
#define REM_QUERY_COLUMNS_H

#include "base/arena.h"
#include "schema/table.h"

typedef enum rem_column_place {
  REM_COLUMN_FIELD,
  REM_COLUMN_ID,
  REM_COLUMN_TYPE,
  REM_COLUMN_CREATED_AT,
  REM_COLUMN_MODIFIED_AT,
  REM_COLUMN_DELETED_AT,
  REM_COLUMN_EDGES,
  REM_COLUMN_DOC,
  REM_COLUMN_SCORE,
  REM_COLUMN_EMBEDDING, /* as a JSON array; `slot` says which */
  REM_COLUMN_VECTOR,    /* as float32 values */
  REM_COLUMN_MIN_SCORE, /* the least score (of _l2 the greatest distance) that is wanted of a search */
  REM_COLUMN_SEARCH,    /* what to search for: by `metric` in `slot` */
} rem_column_place;

typedef struct rem_column {
  const char *name;
  rem_column_place place;
  const rem_field *field; /* FIELD */
  rem_field_kind kind;
  uint8_t slot, metric;
  bool hidden;
  bool required; /* FIELD: the schema wants it, so a NULL is written as null, not left out */
} rem_column;

typedef struct rem_columns {
  rem_arena arena;
  const rem_column *items;
  int count;
  int id; /* place of the column id */
} rem_columns;

/* The columns of `table`, which is borrowed as long as they are. */
REM_CHECKED rem_status rem_columns_init(rem_columns *columns, const rem_table *table, rem_error *err);
void rem_columns_deinit(rem_columns *columns);
/* Appends "CREATE TABLE …" as SQLite wants it declared. */
void rem_columns_declare(const rem_columns *columns, rem_buffer *buffer);
/* The column of a name in any case of letters, or NULL. */
const rem_column *rem_columns_find(const rem_columns *columns, const char *name, size_t name_size);
/* What a declared type says of its values; NULL and unknown ones: REM_TYPE_NULL. */
rem_type rem_columns_type_of(const char *declared);
/* The same as a kind of field: an object for all JSON, REM_FIELD_ANY for NULL and unknown ones. */
rem_field_kind rem_columns_kind_of(const char *declared);
/* The SQL name of a kind, as it is declared: "TEXT", "INTEGER", …; "" for any. */
const char *rem_columns_type_name(rem_field_kind kind);
/* Appends a name in double quotes. */
void rem_columns_append_quoted(rem_buffer *buffer, const char *name);

#endif
