/* SPDX-License-Identifier: Apache-2.0 */
/* Stepping a statement: its view, its limits, and what comes of a failure. */
#include "query/session_internal.h"
#include "storage/key.h"

void rem_statement__end(rem_statement *statement) {
  rem_statement_reset(statement);
  if (statement->prepared)
    (void)sqlite3_finalize(statement->prepared);
  statement->prepared = NULL;
}

static void free_names(rem_statement *statement) {
  for (char **name = statement->names; name && *name; name++)
    rem_free(*name);
  rem_free(statement->names);
  statement->names = NULL;
}

void rem_statement_free(rem_statement *statement) {
  if (!statement)
    return;
  rem_statement__end(statement);
  if (statement->session && !statement->previous)
    statement->session->statements = statement->next;
  if (statement->session && statement->previous)
    statement->previous->next = statement->next;
  if (statement->session && statement->next)
    statement->next->previous = statement->previous;
  free_names(statement);
  for (size_t i = 0; i < statement->parameter_count; i++)
    rem_free(statement->parameters[i].name);
  rem_free(statement->parameters);
  rem_statement__forget_demands(statement);
  rem_free(statement->types);
  rem_free(statement->uses);
  rem_free(statement->text);
  rem_free(statement);
}

/* ------------------------------------------------------------------------------------------- */
/* Failures                                                                                     */

static rem_status status_of(int code) {
  switch (code & 0xff) {
  case SQLITE_NOMEM: return REM_NOMEM;
  case SQLITE_TOOBIG: return REM_LIMIT;
  case SQLITE_FULL: return REM_FULL;
  case SQLITE_IOERR: return REM_IO;
  case SQLITE_READONLY: return REM_READONLY;
  case SQLITE_CORRUPT:
  case SQLITE_INTERNAL: return REM_INTERNAL;
  default: return REM_INVALID;
  }
}

rem_status rem_session__refuse_write(const rem_session *session, rem_error *err) {
  rem_error_set(err, REM_READONLY, "this session is for reading");
  rem_error_hint(err, session->engine->writer ? "open one that may write" : "open the database for writing");
  return REM_READONLY;
}

rem_status rem_statement__failure(rem_session *session, int code, rem_error *err) {
  if (session->failed < 0) {
    if (err)
      *err = session->failure;
    return session->failed;
  }
  if ((code & 0xff) == SQLITE_NOMEM)
    return rem_error_nomem(err);
  const char *message = sqlite3_errmsg(session->sqlite);
  if (session->options.read_only && strstr(message, "may not be modified"))
    return rem_session__refuse_write(session, err);
  if ((code & 0xff) == SQLITE_MISMATCH) /* there are no row numbers that it could mean */
    return rem_error_set(err, REM_INVALID, "LIMIT and OFFSET are whole numbers");
  return rem_error_set(err, status_of(code), "%s", message);
}

/* ------------------------------------------------------------------------------------------- */
/* Steps                                                                                        */

/* `entities` reads every table there is now. */
static rem_status know_all_tables(rem_session *session, rem_error *err) {
  rem_table_list list REM_AUTO_TABLE_LIST = {0};
  rem_catalog_entry *entry;
  REM_TRY(rem_registry_list(session->engine->registry, session->tenant, &list, err));
  for (size_t i = 0; i < list.count; i++)
    REM_TRY(rem_catalog_find(session->catalog, list.tables[i]->name, &entry, err));
  return REM_OK;
}

/* Looks whether the tables are still those of the preparation; under the view lock. */
static rem_status refresh_uses(rem_statement *statement, const rem_kv_snapshot *snapshot, bool *ret_stale, rem_error *err) {
  for (size_t i = 0; i < statement->use_count; i++) {
    rem_statement_use *use = &statement->uses[i];
    REM_TRY(rem_catalog_refresh(statement->session->catalog, use->entry, snapshot, err));
    *ret_stale = *ret_stale || use->entry->version != use->version;
  }
  return statement->all_tables ? know_all_tables(statement->session, err) : REM_OK;
}

/* Takes the snapshot that a statement reads, and a transaction when it may write. */
static rem_status new_view(rem_statement *statement, bool writes, bool *ret_stale, rem_view **ret_view, rem_error *err) {
  rem_session *session = statement->session;
  rem_kv_snapshot *snapshot = NULL;
  rem_view *view = NULL;
  pthread_rwlock_rdlock(&session->engine->view_lock);
  rem_status status = rem_kv_snapshot_acquire(session->engine->kv, &snapshot, err);
  if (status >= 0)
    status = refresh_uses(statement, snapshot, ret_stale, err);
  pthread_rwlock_unlock(&session->engine->view_lock);
  if (status < 0) {
    rem_kv_snapshot_release(snapshot);
    return status;
  }
  REM_TRY(rem_view_new(session->engine, snapshot, &view, err));
  if (writes)
    status = rem_transaction_new(session->engine, session->tenant, snapshot, (size_t)session->options.memory_bytes,
                                 &view->transaction, err);
  if (status < 0)
    rem_view_unref(view);
  else
    *ret_view = view;
  return status;
}

/* Inside a transaction the snapshot is an older one: the definitions of the tables must be those it was taken with, or their indexes are not what they seem. */
static rem_status check_definitions(rem_statement *statement, rem_error *err) {
  rem_session *session = statement->session;
  rem_buffer key REM_CLEANUP(rem_buffer_deinit) = {0};
  for (size_t i = 0; i < statement->use_count; i++) {
    rem_kv_pin then REM_AUTO_PIN = {0}, now REM_AUTO_PIN = {0};
    const char *name = statement->uses[i].entry->name;
    rem_buffer_reset(&key);
    rem_key_table(&key, session->tenant, name);
    REM_TRY(rem_buffer_status(&key, err));
    rem_slice bytes = rem_buffer_slice(&key);
    REM_TRY(rem_kv_get(session->engine->kv, session->transaction_view->snapshot, REM_CF_META, bytes, &then, err));
    REM_TRY(rem_kv_get(session->engine->kv, NULL, REM_CF_META, bytes, &now, err));
    /* A tenant's first write stores the built-in tables as they are. */
    if (!then.data || rem_slice_equal(rem_kv_pin_slice(&then), rem_kv_pin_slice(&now)))
      continue;
    rem_error_set(err, REM_CONFLICT, "the schema of '%s' was changed since this transaction began", name);
    rem_error_hint(err, "roll it back and begin again");
    return REM_CONFLICT;
  }
  return REM_OK;
}

static rem_status join_transaction(rem_statement *statement, bool *ret_stale, rem_error *err) {
  rem_session *session = statement->session;
  if (!session->transaction_view)
    REM_TRY(new_view(statement, !session->options.read_only, ret_stale, &session->transaction_view, err));
  pthread_rwlock_rdlock(&session->engine->view_lock);
  rem_status status = refresh_uses(statement, session->transaction_view->snapshot, ret_stale, err);
  if (status >= 0)
    status = check_definitions(statement, err);
  pthread_rwlock_unlock(&session->engine->view_lock);
  if (status >= 0)
    statement->view = rem_view_ref(session->transaction_view);
  return status;
}

static rem_status open_view(rem_statement *statement, bool *ret_stale, rem_error *err) {
  *ret_stale = false;
  if (rem_session_in_transaction(statement->session))
    return join_transaction(statement, ret_stale, err);
  return new_view(statement, !rem_statement_read_only(statement), ret_stale, &statement->view, err);
}

#define MOST_PREPARATIONS 8

static rem_status begin(rem_statement *statement, rem_error *err) {
  bool stale = true;
  REM_TRY(rem_engine_check_usable(statement->session->engine, err));
  for (int i = 0; stale && i < MOST_PREPARATIONS; i++) {
    rem_view_unref(REM_TAKE(statement->view));
    REM_TRY(open_view(statement, &stale, err));
    if (stale)
      REM_TRY(rem_statement__compile(statement, err));
  }
  if (stale)
    return rem_error_set(err, REM_CONFLICT, "the schemas change again and again");
  free_names(statement);
  statement->rows = 0;
  statement->changes = statement->pending = 0;
  statement->deadline_us = rem_session__deadline(statement->session);
  statement->running = true;
  return REM_OK;
}

void rem_statement_reset(rem_statement *statement) {
  if (!statement || !statement->session)
    return;
  if (statement->prepared)
    (void)sqlite3_reset(statement->prepared);
  rem_view_unref(REM_TAKE(statement->view));
  statement->running = statement->has_row = false;
}

static rem_status too_many_rows(const rem_session *session, rem_error *err) {
  rem_error_set(err, REM_LIMIT, "the result has more than %lld rows", (long long)session->options.max_rows);
  rem_error_hint(err, "add a LIMIT");
  return REM_LIMIT;
}

/* One step of SQLite, with the statement's view and clock in place. */
static rem_status advance(rem_statement *statement, rem_error *err) {
  rem_session *session = statement->session;
  session->view = statement->view;
  session->shape = statement->shape;
  session->deadline_us = statement->deadline_us;
  session->failed = REM_OK;
  session->pending = 0;
  int code = sqlite3_step(statement->prepared);
  session->view = NULL;
  if (!rem_session_in_transaction(session))
    rem_view_unref(REM_TAKE(session->transaction_view));
  statement->pending += session->pending;
  /* A collation cannot fail by itself. */
  if (session->failed < 0 && (code == SQLITE_ROW || code == SQLITE_DONE))
    code = SQLITE_ERROR;
  if (code == SQLITE_ROW) {
    statement->rows++;
    bool allowed = session->options.max_rows < 0 || statement->rows <= session->options.max_rows;
    return allowed ? REM_ROW : too_many_rows(session, err);
  }
  if (code != SQLITE_DONE)
    return rem_statement__failure(session, code, err);
  statement->changes = sqlite3_stmt_readonly(statement->prepared) ? 0 : sqlite3_changes64(session->sqlite);
  return REM_DONE;
}

#define MOST_ATTEMPTS 100

/* One step; a statement that is a transaction of its own and was overtaken by another writer runs again: nobody has seen anything of it yet. */
static rem_status step(rem_statement *statement, rem_error *err) {
  rem_status status = REM_OK;
  for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    bool alone = !rem_session_in_transaction(statement->session) && !rem_statement_read_only(statement);
    if (!statement->running)
      REM_TRY(begin(statement, err));
    status = advance(statement, err);
    if (status != REM_CONFLICT || !alone || !statement->view || !statement->view->reads)
      return status;
    rem_statement_reset(statement);
  }
  return status;
}

rem_status rem_statement_step(rem_statement *statement, rem_error *err) {
  REM_CHECK_ARG(statement && statement->session && statement->prepared, err);
  rem_status status = step(statement, err);
  statement->has_row = status == REM_ROW;
  if (status == REM_ROW)
    return status;
  int64_t changes = statement->changes;
  rem_statement_reset(statement);
  statement->changes = changes;
  return status;
}

int64_t rem_statement_changes(const rem_statement *statement) {
  return statement ? statement->changes : 0;
}

int64_t rem_statement_pending(const rem_statement *statement) {
  return statement ? statement->pending : 0;
}

bool rem_statement_read_only(const rem_statement *statement) {
  return !statement || !statement->prepared || sqlite3_stmt_readonly(statement->prepared);
}
