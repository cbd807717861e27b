/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalog: the tables that the statements of a session may name, as modules of its connection.
 *
 * A table's modules are made when a statement names it, so a session costs nothing for tables it does not use. They follow the registry: a definition
 * that has changed is replaced when the next statement begins, and statements that used the old one are prepared again.
 *
 *   "person"            live rows
 *   "person+deleted"    with the deleted ones (D14)
 *   "person+count"      one row: _count, the number of live rows
 */
#ifndef REM_QUERY_CATALOG_H
#define REM_QUERY_CATALOG_H

#include "query/columns.h"
#include "query/sqlite_lib.h"
#include "storage/kv.h"

typedef struct rem_catalog rem_catalog;

/* A table as the connection knows it under one name: what SQLite hands to the callbacks. */
typedef struct rem_module {
  struct rem_session *session; /* borrowed */
  rem_table *table;            /* owned reference; the definition the module was made for */
  rem_columns columns;
  bool deleted_too;            /* "name+deleted" */
  int references;              /* the entry's and SQLite's */
  struct rem_selectivity *selectivity; /* owned; NULL until a plan asks */
  int64_t rows, long_values, explicit_ids; /* the table's counters when the last statement began */
} rem_module;

void rem_module_unref(rem_module *module);

typedef struct rem_catalog_entry {
  const char *name;  /* canonical */
  rem_table *table;  /* owned reference; NULL: there is no such table any more */
  rem_module *live, *all; /* owned references */
  uint64_t version;  /* counts on when the modules are replaced */
} rem_catalog_entry;

/* `session` is borrowed. Owned: rem_catalog_free(), after the connection is closed. */
REM_CHECKED rem_status rem_catalog_new(struct rem_session *session, rem_catalog **ret_catalog, rem_error *err);
void rem_catalog_free(rem_catalog *catalog);

/* The table that `name` means (any case, aliases of D1), its modules made: REM_OK or REM_NOT_FOUND. The entry is borrowed from the catalog. */
REM_CHECKED rem_status rem_catalog_find(rem_catalog *catalog, const char *name, rem_catalog_entry **ret_entry, rem_error *err);
/* The entry of a table that the running statement names, as it is; NULL: it names no such table. */
rem_catalog_entry *rem_catalog_peek(const rem_catalog *catalog, const char *name);
/* Brings an entry up to the definition of now and the counters of `snapshot`. To be called under the engine's view lock. */
REM_CHECKED rem_status rem_catalog_refresh(rem_catalog *catalog, rem_catalog_entry *entry, const rem_kv_snapshot *snapshot,
                                           rem_error *err);
/* Appends array of {table, kind, columns} of rem_session_tables_json(). */
REM_CHECKED rem_status rem_catalog_append_json(rem_catalog *catalog, rem_buffer *buffer, rem_error *err);

#endif
