/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session, between the files of this module: one connection of SQLite, the tables it knows, and the view that a running statement has.
 *
 *   rem_session ── sqlite3
 *       │            └── module "person", "person+deleted", …   (aux: rem_module)
 *       ├── catalog: name -> rem_module, made when a statement first names the table
 *       └── view ── snapshot (+ transaction)                    set while a statement steps; cursors hold it by reference
 *
 * What fails inside a callback of SQLite is kept whole in `failure`; SQLite only learns that something did.
 */
#ifndef REM_QUERY_SESSION_INTERNAL_H
#define REM_QUERY_SESSION_INTERNAL_H

#include "base/hash_map.h"
#include "dialect/dialect.h"
#include "entity/counters.h"
#include "entity/engine.h"
#include "entity/read.h"
#include "entity/transaction.h"
#include "query/catalog.h"
#include "query/columns.h"
#include "query/sqlite_lib.h"
#include "query/temp_files.h"

/* What the statements of one moment see. Counted: a cursor may outlive the statement's step, and the transaction its COMMIT. */
typedef struct rem_view {
  int references;
  rem_engine *engine;        /* borrowed */
  rem_kv_snapshot *snapshot; /* owned */
  rem_transaction *transaction; /* owned; NULL: nothing can be written */
  bool committed;
  bool reads;                /* rows were read that a commit must find unchanged */
  size_t *savepoints;        /* by SQLite's number: marks of the transaction */
  size_t savepoint_count;
} rem_view;

REM_CHECKED rem_status rem_view_new(rem_engine *engine, rem_kv_snapshot *snapshot, rem_view **ret_view, rem_error *err);
rem_view *rem_view_ref(rem_view *view);
void rem_view_unref(rem_view *view);
/* A row of the store was read, in a view with a transaction. */
void rem_view_note(rem_view *view, const rem_table *table, const uint8_t id[16], const rem_record *record);
/* The live rows of a table. */
REM_CHECKED rem_status rem_view_count(rem_view *view, const rem_module *module, int64_t *ret_count, rem_error *err);

/* An entry that a statement was prepared with. */
typedef struct rem_statement_use {
  rem_catalog_entry *entry; /* borrowed from the catalog */
  uint64_t version;
} rem_statement_use;

/* What of a statement's text plans must know: see plan.c. */
typedef struct rem_statement_shape {
  bool outer_joins; /* it may have some */
  bool row_lists;   /* it may have some (a, b) IN (…) */
  bool plain_lists; /* every IN of it names its values, and none comes of an OR */
  bool writes;
} rem_statement_shape;

/* A parameter of the text; the text made of it may know it by number only. */
typedef struct rem_statement_parameter {
  int number;
  char *name; /* owned; with its sign, or NULL */
} rem_statement_parameter;

struct rem_statement {
  rem_session *session; /* borrowed; NULL: it has ended */
  rem_statement *previous, *next; /* in the session's list */
  sqlite3_stmt *prepared; /* owned; NULL: nothing */
  char *text;             /* owned: the caller's */
  size_t text_size;
  rem_statement_use *uses; /* owned */
  size_t use_count;
  bool all_tables;         /* it reads `entities` */
  rem_statement_shape shape;
  rem_view *view;          /* owned reference, while rows are read */
  bool running, has_row;
  int64_t rows;            /* given since the first step */
  int64_t deadline_us;     /* of this run; 0: none */
  int64_t changes, pending;
  uint8_t uuid[16];        /* of the value given last */
  rem_statement_parameter *parameters; /* owned */
  size_t parameter_count;
  rem_dialect_demand *demands; /* owned, `what` of each too */
  size_t demand_count;
  char **names;            /* owned: keys of the row as JSON */
  rem_type *types;         /* owned: of the columns as declared */
};

struct rem_session {
  rem_engine *engine; /* owned reference */
  char tenant[REM_TENANT_SIZE];
  rem_session_options options; /* with the defaults put in */
  rem_temp_files temp_files; /* of `sqlite` */
  sqlite3 *sqlite;
  rem_catalog *catalog;
  rem_view *view; /* of the statement that is stepping; else NULL */
  rem_statement_shape shape; /* of the statement that is prepared or stepping */
  uint64_t preparations; /* so far */
  rem_view *transaction_view; /* owned reference: between BEGIN and COMMIT */
  bool knows_json; /* json_each and json_tree have told SQLite their columns */
  bool declaring; /* a module is telling SQLite its columns: nothing of that is the caller's */
  rem_status failed;
  rem_error failure;     /* of a callback, when `failed` */
  int64_t deadline_us;   /* of the running statement, on the monotonic clock; 0: none */
  int64_t pending;       /* rows the running statement's searches could not find */
  rem_dialect *dialect;  /* owned */
  float *searched;       /* the vector last searched for; owned */
  rem_buffer searched_text;
  const rem_embedder *searched_by; /* that made it from that text; NULL: it is of no text */
  rem_statement *statements; /* all of them, to be orphaned when the session ends */
  rem_batch_result commit_result;
};

/* Keeps a failure for the statement to report; returns SQLITE_ERROR. */
int rem_session__fail(rem_session *session, rem_status status, const rem_error *err);
/* REM_CANCELLED or REM_TIMEOUT when the running statement must end. To be asked now and then in long loops. */
REM_CHECKED rem_status rem_session__check(rem_session *session, rem_error *err);
/* Until when a statement that begins now may run; 0: as long as it takes. */
int64_t rem_session__deadline(const rem_session *session);
/* Prepares the statement's text (again), keeping what is bound. REM_DONE: there is no statement in it. */
REM_CHECKED rem_status rem_statement__compile(rem_statement *statement, rem_error *err);
void rem_statement__forget_demands(rem_statement *statement);
/* Ends what the statement has in SQLite; it stays as a shell for rem_statement_free(). */
void rem_statement__end(rem_statement *statement);
/* Says what SQLite's last failure was; or the callback's, when it was one. */
REM_CHECKED rem_status rem_statement__failure(rem_session *session, int code, rem_error *err);
/* REM_READONLY, and what to do. */
rem_status rem_session__refuse_write(const rem_session *session, rem_error *err);
/* What of SQLite's language is refused: everything but reading, writing rows and transactions; and the limits. */
REM_CHECKED rem_status rem_session__add_guard(rem_session *session, rem_error *err);

extern const sqlite3_module rem_table_module, rem_table_module_read_only;

#endif
