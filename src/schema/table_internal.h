/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table, between its files: table.c (life, validation, defaults), table_fields.c (what the schema says of fields, key
 * and embedding), table_kinds.c (their types), table_name.c (names), table_store.c (stored form).
 */
#ifndef REM_SCHEMA_TABLE_INTERNAL_H
#define REM_SCHEMA_TABLE_INTERNAL_H

#include "base/arena.h"
#include "base/hash_map.h"
#include "base/json.h"
#include "schema/table.h"
#include "schema/table_kinds.h"

#define REM_TABLE_MAX_FIELDS 1900   /* D27; below the column limit of SQLite */
#define REM_TABLE_MAX_NUMBERS 16384 /* with removed ones */
#define REM_TABLE_MAX_FIELD_NAME 256
#define REM_TABLE_MAX_KEY_FIELDS 8
#define REM_TABLE_MAX_REFERENCES 32 /* a chain of $ref, and the depth of anyOf in anyOf */

struct rem_table_private {
  rem_arena arena;      /* every string and array of the table */
  rem_hash_map by_name; /* field name -> rem_field, removed ones left out */
  const json_t *root;   /* the object that has `properties`: the schema, or what its $ref names */
  bool declares_system; /* the schema lists system fields among its properties */
  _Atomic(rem_validator *) validator;
};

/* A field number already given away. */
typedef struct rem_table_prior {
  const char *name;
  bool removed;
} rem_table_prior;

/* What a table is made of; everything is borrowed, the schema by reference count. */
typedef struct rem_table_parts {
  json_t *schema;
  const char *name, *type;
  uint32_t generation;
  const rem_table_prior *prior; /* by number */
  size_t prior_count;
  rem_slot slots[REM_SLOT_COUNT], moving[REM_SLOT_COUNT];
} rem_table_parts;

rem_status rem_table__build(const rem_table_parts *parts, rem_table **ret_table, rem_error *err);
/* The fields of `previous` as priors, in memory of rem_alloc(). */
rem_status rem_table__priors(const rem_table *previous, rem_table_prior **ret_prior, rem_error *err);

/* table_fields.c: fill the table's fields, then what refers to them. The arena and `root` are set. */
rem_status rem_table__read_fields(rem_table *table, const rem_table_prior *prior, size_t prior_count,
                                  rem_error *err);
rem_status rem_table__read_indexes(rem_table *table, rem_error *err);
rem_status rem_table__read_key(rem_table *table, rem_error *err);
rem_status rem_table__read_embedding(rem_table *table, rem_error *err);

const json_t *rem_table__extension(const json_t *schema, const json_t *root, const char *key);
/* The text of such a key, NULL when absent; REM_INVALID when it is something else. */
rem_status rem_table__text(const rem_table *table, const char *key, const char **ret_text, rem_error *err);

/* table_name.c: the name and type that a schema gives its table. */
rem_status rem_table__derive_name(const json_t *schema, const char *override, rem_arena *arena, const char **ret_name,
                                  const char **ret_type, rem_error *err);
bool rem_table__is_builtin_name(const char *name);

#endif
